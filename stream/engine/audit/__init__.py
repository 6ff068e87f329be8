"""Explaining an account line by line, and verifying it from outside."""
