"""The gateway's metrics, in one place; none has a label which comes from outside."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from stream.wechat.heard import Refusal

#: Seconds; the last limit is where WeChat hangs up.
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class GatewayMetrics:
    """One register per process. ``door`` is a door's name, or ``none`` where there is no door."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.deliveries = Counter(
            "shadowpoints_gateway_deliveries",
            "Deliveries accepted, by door and kind",
            ["door", "kind"],
            registry=r,
        )
        self.refusals = Counter(
            "shadowpoints_gateway_refusals",
            "Deliveries refused, by door and reason",
            ["door", "reason"],
            registry=r,
        )
        self.events = Counter(
            "shadowpoints_gateway_events",
            "Events in batches, by kind of client and what became of them",
            ["client", "outcome"],
            registry=r,
        )
        self.gone = Counter(
            "shadowpoints_gateway_gone", "Senders who hung up before the answer", registry=r
        )
        self.answer_seconds = Histogram(
            "shadowpoints_gateway_answer_seconds",
            "From the head of a request to its answer, by door",
            ["door"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.publish_seconds = Histogram(
            "shadowpoints_gateway_publish_seconds",
            "Until Kafka acknowledged the events of one delivery",
            registry=r,
            buckets=_BUCKETS,
        )
        self.published = Counter(
            "shadowpoints_gateway_published_events", "Events which Kafka acknowledged", registry=r
        )
        self.publish_failures = Counter(
            "shadowpoints_gateway_publish_failures", "Events which Kafka did not take", registry=r
        )
        self._requests = Gauge("shadowpoints_gateway_requests", "Requests in work", registry=r)
        self._unacknowledged = Gauge(
            "shadowpoints_gateway_unacknowledged", "Events on their way to Kafka", registry=r
        )

    def watch(self, requests: Callable[[], int], unacknowledged: Callable[[], int]) -> None:
        """Where to look for what is under way."""
        self._requests.set_function(requests)
        self._unacknowledged.set_function(unacknowledged)

    def refused(self, door: str, reason: Refusal) -> None:
        self.refusals.labels(door, reason).inc()

    def judged(self, client: str, outcome: str) -> None:
        self.events.labels(client, outcome).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
