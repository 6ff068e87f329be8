"""What WeChat sends, as events of ours. Pure: no I/O, no clock, no randomness, no async."""
