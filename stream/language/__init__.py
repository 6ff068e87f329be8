"""Sentences about the files people write, each in English and Chinese."""
