"""Commands of ``shadowpoints`` which have a file of their own."""
