# SPDX-License-Identifier: Apache-2.0
"""All metrics of the webhooks. No label identifies a person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from stream.process.metrics_register import MetricsRegister

_REQUEST_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_DELIVERY_BUCKETS = (0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3_600.0, 86_400.0, 259_200.0)


class WebhookMetrics(MetricsRegister):
    """One register per process."""

    def __init__(self) -> None:
        super().__init__()
        r = self.registry
        self.attempts = Counter(
            "shadowpoints_webhooks_attempts",
            "Requests, by verdict: delivered, failed or refused",
            ["verdict"],
            registry=r,
        )
        self.events = Counter(
            "shadowpoints_webhooks_events",
            "Events that are done: delivered, erased meanwhile, or a dead letter of that reason",
            ["outcome"],
            registry=r,
        )
        self.request_seconds = Histogram(
            "shadowpoints_webhooks_request_seconds",
            "Seconds of one request",
            registry=r,
            buckets=_REQUEST_BUCKETS,
        )
        self.delivery_seconds = Histogram(
            "shadowpoints_webhooks_delivery_seconds",
            "Seconds from a record to its delivery",
            registry=r,
            buckets=_DELIVERY_BUCKETS,
        )
        self.waiting = Gauge(
            "shadowpoints_webhooks_waiting", "Events read and not done", registry=r
        )
        self.full_partitions = Gauge(
            "shadowpoints_webhooks_full_partitions",
            "Partitions that are read no further, because too many of their events wait",
            registry=r,
        )
        self.behind_seconds = Gauge(
            "shadowpoints_webhooks_behind_seconds", "Age of the latest record read", registry=r
        )
