"""What every process needs: a clock, logs, a health server, metrics; nothing about loyalty."""
