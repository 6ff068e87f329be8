# SPDX-License-Identifier: Apache-2.0
"""The register of a process's Prometheus metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series for nothing


class MetricsRegister:
    """One per process, or per part of one, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
