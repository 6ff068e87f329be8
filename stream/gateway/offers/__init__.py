"""The live offer in words, for a reply to the person who is met just now."""
