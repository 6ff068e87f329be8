# SPDX-License-Identifier: Apache-2.0
"""Kafka clients as the product uses them: publishing, reading, dead letters, topics."""
