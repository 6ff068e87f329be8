# SPDX-License-Identifier: Apache-2.0
"""The worker's metrics, counted since this process started; the tables have durable counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Gauge, Histogram

from stream.process.metrics_register import MetricsRegister

#: Seconds; Faust's own share of a group is about 5 ms.
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics(MetricsRegister):
    """One register per app, so that several apps may live in one process.

    The given outcomes and reasons are 0 before the first of them.
    """

    def __init__(self, outcomes: Iterable[str] = (), reasons: Iterable[str] = ()) -> None:
        super().__init__()
        r = self.registry
        self.records = Counter(
            "shadowpoints_records", "Records handled, by stage", ["stage"], registry=r
        )
        self.group_seconds = Histogram(
            "shadowpoints_group_seconds",
            "Time to handle all waiting batches, by stage",
            ["stage"],
            registry=r,
            buckets=_BUCKETS,
        )
        self.dead_letters = Counter(
            "shadowpoints_dead_letters", "Dead letters, by reason", ["reason"], registry=r
        )
        self.halted_partitions = Gauge(
            "shadowpoints_halted_partitions",
            "Partitions of source topics halted by a flood of dead letters",
            registry=r,
        )
        # A gauge, since a parked record leaves that outcome again.
        self.outcomes = Gauge(
            "shadowpoints_outcomes", "Input records by outcome", ["outcome"], registry=r
        )
        self.published = Counter(
            "shadowpoints_published_records", "Records published, by topic", ["topic"], registry=r
        )
        self.publish_retries = Counter(
            "shadowpoints_publish_retries", "Publishing tried again", registry=r
        )
        self.clock_ahead = Gauge(
            "shadowpoints_clock_ahead_seconds",
            "How far this machine's clock is ahead of the brokers' (behind: negative)",
            registry=r,
        )
        self.tables_retries = Counter(
            "shadowpoints_tables_retries", "A call to the tables tried again", registry=r
        )
        self.fenced = Counter(
            "shadowpoints_fenced_commits", "Commits refused: another owner", registry=r
        )
        self.dropped = Counter(
            "shadowpoints_dropped_records", "Fetched before a rebalance, dropped", registry=r
        )
        self.log_gaps = Counter(
            "shadowpoints_log_gaps", "Resolved log starts after the applied offset", registry=r
        )
        self.source_gaps = Counter(
            "shadowpoints_source_gaps",
            "Offsets of a source that retention removed before they were read, by topic",
            ["topic"],
            registry=r,
        )
        self.logs_went_back = Counter(
            "shadowpoints_logs_went_back",
            "Partitions that no longer hold what was read of them, by topic",
            ["topic"],
            registry=r,
        )
        self.owned_partitions = Gauge(
            "shadowpoints_owned_partitions", "Partitions of the resolved topic owned", registry=r
        )

        for reason in reasons:
            self.dead_letters.labels(reason)
        for outcome in outcomes:
            self.outcomes.labels(outcome)

    def count(self, outcomes: Mapping[str, int]) -> None:
        """Add increments of outcomes."""
        for name, increment in outcomes.items():
            self.outcomes.labels(name).inc(increment)
