# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.resolver.lookup_results import FinishedLookup, LookupOutcome
from stream.resolver.lookups import Api, Lookup, OrderLookup
from stream.resolver.metrics import ResolverMetrics

NOW = 1_000_000


def finished(outcome: LookupOutcome, seconds: float = 1.0) -> FinishedLookup:
    return FinishedLookup(
        Lookup(Api.PAID, "wx", "oMei", NOW - int(seconds * 1000), NOW), outcome, None
    )


def lines(metrics: ResolverMetrics) -> dict[str, float]:
    text = metrics.text().decode().splitlines()
    pairs = (line.rpartition(" ") for line in text if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_rate_and_quantiles_of_the_latest() -> None:
    metrics = ResolverMetrics()
    empty = lines(metrics)
    assert not any(name.startswith("shadowpoints_resolver_bind_rate") for name in empty)
    for number in range(1, 100):
        metrics.count(finished(LookupOutcome.BOUND, number), NOW)
    metrics.count(finished(LookupOutcome.LATE_ANSWER), NOW)
    for unasked in (LookupOutcome.KNOWN, LookupOutcome.ERASED, LookupOutcome.LATE_EVENT):
        metrics.count(finished(unasked), NOW)
    order = OrderLookup(Api.ORDER, "wxshop", "37", NOW, NOW)  # says nothing of binds
    metrics.count(FinishedLookup(order, LookupOutcome.UNREADABLE, None), NOW)
    found = lines(metrics)
    latency = "shadowpoints_resolver_bind_latency_seconds"
    assert found["shadowpoints_resolver_bind_rate"] == 0.99
    assert found[f'{latency}{{quantile="0.5"}}'] == 50
    assert found[f'{latency}{{quantile="0.99"}}'] == 99
    missed = "shadowpoints_resolver_missed_total"
    assert found[f'{missed}{{api="get_paid_unionid",reason="late_answer"}}'] == 1
    assert found[f'{missed}{{api="get_paid_unionid",reason="late_event"}}'] == 1
    assert found[f'{missed}{{api="order_get",reason="unreadable"}}'] == 1
    lookups = "shadowpoints_resolver_lookups_total"
    assert found[f'{lookups}{{api="get_paid_unionid",outcome="known"}}'] == 1
    assert found['shadowpoints_resolver_bind_seconds_count{api="get_paid_unionid"}'] == 99


def test_what_is_left_of_a_quota_is_asked_when_it_is_shown() -> None:
    metrics, left = ResolverMetrics(), {(Api.INFO, "wx"): 7}
    metrics.watch(lambda: left)
    left[Api.INFO, "wx"] = 6
    name = 'shadowpoints_resolver_quota_left{api="user_info",appid="wx"}'
    assert lines(metrics)[name] == 6
    assert b"oMei" not in metrics.text()
