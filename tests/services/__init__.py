# SPDX-License-Identifier: Apache-2.0
"""Real servers for tests: Apache Kafka from its Maven artifacts, Redis from its own binary."""
