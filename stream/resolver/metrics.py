"""The resolver's metrics, in one place. No label names a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from stream.resolver.asks import Api
from stream.resolver.outcomes import MISSED, Ended, Outcome

#: Seconds from an event to the acknowledged answer; getPaidUnionId's window ends at 300.
_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 300.0)
_LATEST: Final = 1_000  # binds over which quantiles and the rate are taken
_QUANTILES: Final = (0.5, 0.99)
#: Outcomes which say nothing of how well it goes: nobody had to be asked, or could be.
_UNASKED: Final = frozenset({Outcome.KNOWN, Outcome.ERASED, Outcome.LATE_EVENT})


class ResolverMetrics:
    """One register per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.calls = Counter(
            "shadowpoints_resolver_calls",
            "Calls of WeChat's interfaces, by interface and verdict",
            ["api", "verdict"],
            registry=r,
        )
        self.ended = Counter(
            "shadowpoints_resolver_asks",
            "Questions done with, by interface and outcome",
            ["api", "outcome"],
            registry=r,
        )
        self.missed = Counter(
            "shadowpoints_resolver_missed",
            "Windows missed, by interface and reason",
            ["api", "reason"],
            registry=r,
        )
        self.skipped = Counter(
            "shadowpoints_resolver_skipped_records",
            "Records of wechat.pay left unread: their windows had passed",
            registry=r,
        )
        self.bind_seconds = Histogram(
            "shadowpoints_resolver_bind_seconds",
            "From an event to the acknowledged answer, by interface",
            ["api"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.waiting = Gauge("shadowpoints_resolver_waiting", "Questions which wait", registry=r)
        self.behind_seconds = Gauge(
            "shadowpoints_resolver_behind_seconds", "Age of the latest record read", registry=r
        )
        self._latest = _Latest()
        r.register(self._latest)

    def count(self, ended: Ended, now_ms: int) -> None:
        """An ask is done with; of a bind, the answer is in Kafka."""
        api, outcome = ended.ask.api, ended.outcome
        self.ended.labels(api, outcome).inc()
        if outcome in MISSED:
            self.missed.labels(api, outcome).inc()
        if outcome not in _UNASKED:
            self._latest.asked.append(outcome is Outcome.BOUND)
        if outcome is Outcome.BOUND:
            seconds = max(0.0, (now_ms - ended.ask.since_ms) / 1000)
            self.bind_seconds.labels(api).observe(seconds)
            self._latest.seconds.append(seconds)

    def watch(self, left: Callable[[], Mapping[tuple[Api, str], int]]) -> None:
        """Show what is left of the quotas."""
        self.registry.register(_Left(left))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Latest:
    """What came of the latest questions: the share which was bound, and how fast."""

    def __init__(self) -> None:
        self.asked: deque[bool] = deque(maxlen=_LATEST)
        self.seconds: deque[float] = deque(maxlen=_LATEST)

    def collect(self) -> Iterator[Metric]:
        rate = GaugeMetricFamily(
            "shadowpoints_resolver_bind_rate", "Share bound of the latest 1,000 questions"
        )
        if self.asked:
            rate.add_metric([], sum(self.asked) / len(self.asked))
        yield rate
        latency = GaugeMetricFamily(
            "shadowpoints_resolver_bind_latency_seconds",
            "From an event to the acknowledged answer, of the latest 1,000 binds",
            labels=["quantile"],
        )
        ordered = sorted(self.seconds)
        for quantile in _QUANTILES if ordered else ():
            at = ceil(quantile * len(ordered)) - 1
            latency.add_metric([str(quantile)], ordered[at])
        yield latency


class _Left:
    """Calls which are left today, by app and interface."""

    def __init__(self, left: Callable[[], Mapping[tuple[Api, str], int]]) -> None:
        self._left = left

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "shadowpoints_resolver_quota_left",
            "Calls left of today's quota",
            labels=["appid", "api"],
        )
        for (api, appid), left in self._left().items():
            family.add_metric([appid, api], left)
        yield family
