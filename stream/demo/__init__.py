"""The sample day, and the command which shows the engine at work on it without any server."""
