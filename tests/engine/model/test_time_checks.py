# SPDX-License-Identifier: Apache-2.0
"""Ages and futures: whatever field the time of a fact comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from schemas import CONTRACTS, Event, Reason, format_time, time_from_ms
from stream.engine.model.limits import ENVELOPE_FACT_MAX_MS, SKEW_MS
from stream.engine.model.time_checks import REGISTERS, Horizons, happened_ms, untimely
from tests.support import events
from tests.support.books import DAY, START
from tests.support.events import event

MEI = {"appid": "wxmp", "openid": "oMei-1"}
HORIZONS = Horizons(35, 366)


@dataclass(frozen=True)
class Said:
    """How a type says when it happened: ``make(envelope, fact)`` in ms, and for how many days."""

    make: Any
    days: int


def _payment(at: int, happened: int) -> Event:
    data = events.payment(happened, "t1", "oMei-1", 1000).data.model_dump(mode="json")
    return event("payment.succeeded.v1", at, {k: v for k, v in data.items() if v is not None})


def _refund(at: int, happened: int) -> Event:
    data = events.refund(happened, "t1", "r1", 1000).data.model_dump(mode="json")
    return event("refund.succeeded.v1", at, data)


def _mall(at: int, happened: int) -> Event:
    data = events.mall_payment(happened, "t1", "oMei-1", 1000).data.model_dump(mode="json")
    return event("payment.succeeded.v1", at, data)


def _mall_refund(at: int, happened: int) -> Event:
    data = events.mall_refund(happened, "t1", "r1", 100, "oMei-1").data.model_dump(mode="json")
    return event("refund.succeeded.v1", at, data)


def _revert(at: int, happened: int) -> Event:
    return events.revert(at, "k1", MEI, happened)


def _cancel(at: int, happened: int) -> Event:
    placed = {"order_id": "o1", "placed_at": format_time(time_from_ms(happened))}
    return event("order.cancelled.v1", at, MEI | placed)


PAYMENTS = [Said(make, 366) for make in (_payment, _refund, _mall, _mall_refund)]
REVERSALS = [Said(make, 35) for make in (_revert, _cancel)]


def reason(one: Event, recorded: int = START, now: int = START) -> Reason | None:
    rejected = untimely(one.type, one.data, one.time_ms, HORIZONS, recorded, now)
    return rejected.reason if rejected else None


@pytest.mark.parametrize("said", PAYMENTS + REVERSALS)
def test_no_fact_lies_further_in_the_future_than_a_clock_may_be_ahead(said: Said) -> None:
    assert happened_ms(*_named(said.make(START, START + 7))) == START + 7
    assert reason(said.make(START, START + SKEW_MS)) is None
    assert reason(said.make(START, START + SKEW_MS + 1)) is Reason.IN_FUTURE
    assert reason(said.make(START + SKEW_MS + 1, START)) is Reason.IN_FUTURE
    assert reason(said.make(START, START + 26_900 * DAY)) is Reason.IN_FUTURE  # 2099


@pytest.mark.parametrize("said", PAYMENTS)
def test_an_event_has_one_time(said: Said) -> None:
    """Else a payment of today could be put into the campaign of last winter."""
    earlier = START - 20 * DAY
    for at, happened in ((earlier, earlier - ENVELOPE_FACT_MAX_MS), (earlier, earlier + 2 * DAY)):
        assert reason(said.make(at, happened)) is None
    for apart in (-ENVELOPE_FACT_MAX_MS - 1, ENVELOPE_FACT_MAX_MS + 1, -300 * DAY):
        assert reason(said.make(earlier, earlier + apart)) is Reason.TIMES_DIFFER


@pytest.mark.parametrize("said", REVERSALS)
def test_what_is_taken_back_was_before(said: Said) -> None:
    earlier = START - 10 * DAY
    assert reason(said.make(START, earlier)) is None
    assert reason(said.make(earlier, START)) is Reason.TIMES_DIFFER


@pytest.mark.parametrize("said", PAYMENTS + REVERSALS)
def test_the_age_is_that_of_what_happened_when_it_was_published(said: Said) -> None:
    at = START - said.days * DAY
    far = START + 5_000 * DAY
    assert reason(said.make(at, at), now=far) is None
    assert reason(said.make(at - 1, at - 1), now=far) is Reason.TOO_LATE
    assert reason(said.make(at + 1, at - 1), now=far) is Reason.TOO_LATE


@pytest.mark.parametrize("type_", sorted(REGISTERS))
def test_an_answer_or_a_request_is_taken_at_any_age_and_not_from_the_future(type_: str) -> None:
    data: Any = {
        "member.enrolled.v1": MEI | {"member_id": "M1"},
        "birthday.reported.v1": MEI | {"month": 3, "day": 5},
        "consent.granted.v1": MEI | {"text_version": "v1", "channel": "oa"},
        "consent.paused.v1": MEI | {"channel": "oa"},
        "consent.withdrawn.v1": MEI | {"channel": "oa"},
        "unbind.requested.v1": MEI | {"consumer_id": "union.brand.uMei"},
    }.get(type_, MEI)
    assert CONTRACTS[type_].direction == "in"
    assert reason(event(type_, START - 5_000 * DAY, data)) is None
    assert reason(event(type_, START + SKEW_MS + 1, data)) is Reason.IN_FUTURE


def _named(one: Event) -> tuple[str, Any, int]:
    return one.type, one.data, one.time_ms
