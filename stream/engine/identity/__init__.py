"""Decide who is one person: bind origins (openids of apps), their aliases, and payers."""
