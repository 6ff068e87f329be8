# SPDX-License-Identifier: Apache-2.0
"""All metrics of the resolver. No label identifies a person."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from stream.process.metrics_register import MetricsRegister
from stream.resolver.lookup_results import MISSED, FinishedLookup, LookupOutcome
from stream.resolver.lookups import Api, Lane

#: Seconds from an event to the published result; getPaidUnionId's window ends at 300.
_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 300.0)
_LATEST: Final = 1_000  # lookups in the quantiles and the bind rate
_QUANTILES: Final = (0.5, 0.99)
#: Outcomes left out of the bind rate: no call was needed, or possible.
_WITHOUT_CALL: Final = frozenset(
    {LookupOutcome.KNOWN, LookupOutcome.ERASED, LookupOutcome.LATE_EVENT}
)


class ResolverMetrics(MetricsRegister):
    """One register per process."""

    def __init__(self) -> None:
        super().__init__()
        r = self.registry
        self.calls = Counter(
            "shadowpoints_resolver_calls",
            "API calls, by interface and verdict",
            ["api", "verdict"],
            registry=r,
        )
        self.finished = Counter(
            "shadowpoints_resolver_lookups",
            "Finished lookups, by interface and outcome",
            ["api", "outcome"],
            registry=r,
        )
        self.missed = Counter(
            "shadowpoints_resolver_missed",
            "Missed lookups, by interface and reason",
            ["api", "reason"],
            registry=r,
        )
        self.skipped = Counter(
            "shadowpoints_resolver_skipped_records",
            "Records of wechat.pay skipped because their windows had passed",
            registry=r,
        )
        self.unreadable = Counter(
            "shadowpoints_resolver_unreadable_hints",
            "Records of wechat.shop that are no hints",
            registry=r,
        )
        self.complete_until = Gauge(
            "shadowpoints_resolver_shop_complete_until_seconds",
            "Time up to which everything in a list of a shop is done with",
            ["appid", "list"],
            registry=r,
        )
        self.bind_seconds = Histogram(
            "shadowpoints_resolver_bind_seconds",
            "Seconds from an event to the published result, by interface",
            ["api"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.waiting = Gauge("shadowpoints_resolver_waiting", "Lookups that wait", registry=r)
        self.behind_seconds = Gauge(
            "shadowpoints_resolver_behind_seconds", "Age of the latest record read", registry=r
        )
        self._latest = _Latest()
        r.register(self._latest)

    def count(self, finished: FinishedLookup, now_ms: int) -> None:
        """Count a finished lookup; the result of a bind is in Kafka by then."""
        api, outcome = finished.lookup.api, finished.outcome
        self.finished.labels(api, outcome).inc()
        if outcome in MISSED:
            self.missed.labels(api, outcome).inc()
        if outcome not in _WITHOUT_CALL and api.lane is not Lane.ORDERS:
            self._latest.bound.append(outcome is LookupOutcome.BOUND)
        if outcome is LookupOutcome.BOUND:
            seconds = max(0.0, (now_ms - finished.lookup.since_ms) / 1000)
            self.bind_seconds.labels(api).observe(seconds)
            self._latest.seconds.append(seconds)

    def watch(self, left: Callable[[], Mapping[tuple[Api, str], int]]) -> None:
        """Export the calls left of the quotas."""
        self.registry.register(_CallsLeft(left))


class _Latest:
    """The latest lookups: the share that was bound, and the latency."""

    def __init__(self) -> None:
        self.bound: deque[bool] = deque(maxlen=_LATEST)
        self.seconds: deque[float] = deque(maxlen=_LATEST)

    def collect(self) -> Iterator[Metric]:
        rate = GaugeMetricFamily(
            "shadowpoints_resolver_bind_rate", "Share bound of the latest 1,000 lookups"
        )
        if self.bound:
            rate.add_metric([], sum(self.bound) / len(self.bound))
        yield rate
        latency = GaugeMetricFamily(
            "shadowpoints_resolver_bind_latency_seconds",
            "Seconds from an event to the published result, of the latest 1,000 binds",
            labels=["quantile"],
        )
        ordered = sorted(self.seconds)
        for quantile in _QUANTILES if ordered else ():
            at = ceil(quantile * len(ordered)) - 1
            latency.add_metric([str(quantile)], ordered[at])
        yield latency


class _CallsLeft:
    """Calls left today, by app and interface."""

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
