"""Rule files and the directory of apps: read, checked as a whole, compiled to plain values."""
