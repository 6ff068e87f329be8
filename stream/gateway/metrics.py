# SPDX-License-Identifier: Apache-2.0
"""The gateway's Prometheus metrics. No label holds a value that a sender chose."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from stream.process.metrics_register import MetricsRegister
from stream.wechat.delivery_result import RejectReason

#: Seconds; WeChat disconnects at the last one.
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class GatewayMetrics(MetricsRegister):
    """One registry per process. ``endpoint`` is its name, or ``none`` for an unknown path."""

    def __init__(self) -> None:
        super().__init__()
        r = self.registry
        self.deliveries = Counter(
            "shadowpoints_gateway_deliveries",
            "Accepted deliveries, by endpoint and kind",
            ["endpoint", "kind"],
            registry=r,
        )
        self.rejections = Counter(
            "shadowpoints_gateway_rejections",
            "Rejected deliveries, by endpoint and reason",
            ["endpoint", "reason"],
            registry=r,
        )
        self.events = Counter(
            "shadowpoints_gateway_events",
            "Events in batches, by kind of client and outcome",
            ["client", "outcome"],
            registry=r,
        )
        self.disconnects = Counter(
            "shadowpoints_gateway_disconnects",
            "Senders that disconnected before the response",
            registry=r,
        )
        self.answer_seconds = Histogram(
            "shadowpoints_gateway_answer_seconds",
            "From the head of a request to its response, by endpoint",
            ["endpoint"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.forwards = Counter(
            "shadowpoints_gateway_forwards",
            "Deliveries handed on to forward_to, by endpoint and outcome",
            ["endpoint", "outcome"],
            registry=r,
        )
        self.forward_seconds = Histogram(
            "shadowpoints_gateway_forward_seconds",
            "Time for the system behind forward_to to answer, retries included, by endpoint",
            ["endpoint"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.publish_seconds = Histogram(
            "shadowpoints_gateway_publish_seconds",
            "Time for Kafka to acknowledge the events of one delivery",
            registry=r,
            buckets=_BUCKETS,
        )
        self.published = Counter(
            "shadowpoints_gateway_published_events", "Events that Kafka acknowledged", registry=r
        )
        self.publish_failures = Counter(
            "shadowpoints_gateway_publish_failures",
            "Deliveries whose events Kafka did not acknowledge",
            registry=r,
        )
        self._requests = Gauge("shadowpoints_gateway_requests", "Open requests", registry=r)
        self._unacknowledged = Gauge(
            "shadowpoints_gateway_unacknowledged",
            "Events sent to Kafka and not acknowledged yet",
            registry=r,
        )

    def watch(self, requests: Callable[[], int], unacknowledged: Callable[[], int]) -> None:
        """Set the functions that the two gauges read."""
        self._requests.set_function(requests)
        self._unacknowledged.set_function(unacknowledged)

    def rejected(self, endpoint: str, reason: RejectReason) -> None:
        self.rejections.labels(endpoint, reason).inc()

    def count_event(self, client: str, outcome: str) -> None:
        self.events.labels(client, outcome).inc()

    def count_forward(self, endpoint: str, outcome: str, seconds: float) -> None:
        self.forwards.labels(endpoint, outcome).inc()
        self.forward_seconds.labels(endpoint).observe(seconds)
