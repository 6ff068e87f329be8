"""Entities as bytes."""
