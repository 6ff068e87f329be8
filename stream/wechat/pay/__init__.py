"""Verifies and decrypts WeChat Pay v3 notifications and translates them into events."""
