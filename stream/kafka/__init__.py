"""Kafka clients as the product uses them: publishing, reading, dead letters, topics."""
