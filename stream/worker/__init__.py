"""The worker process: Faust agents that identify events and reward consumers."""
