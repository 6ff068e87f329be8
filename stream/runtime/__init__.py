"""Faust and Kafka: topics, runs of records, the two stages, the publisher, metrics."""
