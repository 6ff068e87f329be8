"""Read YAML configuration files, validate them, and report every problem with its position."""
