# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from schemas import SOURCE_TOPICS, Event, Reason, Refused, decode
from schemas.pay import PartnerPayment
from stream.demo.day import Day, generate, yesterday
from stream.demo.wire import SourceRecord
from stream.engine.model.calendar import DAY_MS, day_of
from stream.engine.model.directory import Directory
from tests.demo.sample import DATE

pytestmark = pytest.mark.slow

_PECULIAR = {"retry", "again", "snapshot", "conflict"}


def _events(day: Day) -> list[tuple[SourceRecord, Event]]:
    return [
        (record, decode(record.value, record.headers, record.topic))
        for record in day.records
        if not record.kind.startswith("bad:")
    ]


def _body(event: Event) -> Any:
    return event.data


def _why_refused(record: SourceRecord, directory: Directory) -> Reason | None:
    try:
        event = decode(record.value, record.headers, record.topic)
    except Refused as refused:
        return refused.reason
    # this one is well-formed; the router refuses it
    return None if directory.knows(_body(event).appid) else Reason.UNKNOWN_APP


def test_equal_arguments_give_equal_bytes(day: Day) -> None:
    again = generate(seed=5, consumers=400, events=4_000, day=DATE)

    assert again == day


@pytest.mark.parametrize("change", [{"seed": 6}, {"day": DATE + timedelta(days=1)}])
def test_another_seed_or_day_gives_another_day(day: Day, change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"seed": 5, "consumers": 400, "events": 4_000, "day": DATE, **change}

    ids = {record.value for record in generate(**given).records}

    assert not ids & {record.value for record in day.records}


def test_there_are_exactly_as_many_records_as_asked_for() -> None:
    for consumers, events in ((20, 80), (33, 1_000), (400, 1_777)):
        day = generate(consumers=consumers, events=events, day=DATE)
        assert len(day.records) == day.expectation.inputs == events


def test_every_good_record_is_decoded_and_every_contract_occurs(day: Day) -> None:
    types = Counter(event.type for _, event in _events(day))

    assert set(types) == {
        *("payment.succeeded.v1", "refund.succeeded.v1", "account.followed.v1"),
        *("account.unfollowed.v1", "qrcode.scanned.v1", "menu.clicked.v1", "link.viewed.v1"),
        *("message.received.v1", "session.logged_in.v1", "page.viewed.v1", "product.viewed.v1"),
        *("cart.added.v1", "order.placed.v1", "content.shared.v1", "livestream.watched.v1"),
        *("content.uploaded.v1", "attendee.registered.v1", "attendee.checked_in.v1"),
        *("attendee.checked_out.v1", "check_in.reverted.v1", "member.enrolled.v1"),
        *("consent.granted.v1", "consent.withdrawn.v1", "birthday.reported.v1"),
    }
    assert {record.topic for record in day.records} == set(SOURCE_TOPICS)


def test_bad_records_are_refused_for_the_reason_which_is_known(
    day: Day, directory: Directory
) -> None:
    found: Counter[str | None] = Counter()
    for record in day.records:
        if record.kind.startswith("bad:"):
            reason = _why_refused(record, directory)
            assert record.kind == f"bad:{reason}"
            found[reason] += 1

    assert found == day.expectation.bad
    assert found.total() == day.expectation.dead
    assert set(found) == {
        *(Reason.MALFORMED_JSON, Reason.INVALID_ENVELOPE, Reason.UNKNOWN_TYPE, Reason.WRONG_TOPIC),
        *(Reason.INVALID_DATA, Reason.UNKNOWN_APP),
    }


@pytest.mark.parametrize("seed", range(8))
def test_bad_records_are_bad_for_one_reason_on_the_smallest_day(
    seed: int, directory: Directory
) -> None:
    day = generate(seed=seed, consumers=20, events=120, day=DATE)
    bad = [record for record in day.records if record.kind.startswith("bad:")]

    assert len(bad) == day.expectation.dead == 8
    assert [f"bad:{_why_refused(record, directory)}" for record in bad] == [
        record.kind for record in bad
    ]


def test_a_bank_account_is_among_what_is_refused(day: Day) -> None:
    with_account = [r for r in day.records if b"user_received_account" in r.value]

    assert with_account
    assert {record.kind for record in with_account} == {"bad:invalid_data"}


def test_records_come_in_order_of_arrival_within_the_day(day: Day) -> None:
    times = [record.time_ms for record in day.records]

    assert times == sorted(times)
    assert {day_of(at) for at in times} == {(DATE - date(1970, 1, 1)).days}
    assert all(event.time_ms <= record.time_ms for record, event in _events(day))


def test_breakfast_lunch_and_evening_stand_out(day: Day) -> None:
    start = day.end_ms + 1 - DAY_MS
    hours = Counter(
        (event.time_ms - start) // 3_600_000
        for _, event in _events(day)
        if event.type == "payment.succeeded.v1" and event.time_ms >= start
    )

    assert min(hours[7], hours[8]) > 2 * hours[10]
    assert hours[12] > hours[14] < hours[18]
    assert sum(hours[h] for h in range(1, 5)) < hours[7]


def test_all_three_wire_forms_occur_on_every_busy_topic(day: Day) -> None:
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for record in day.records:
        names = dict(record.headers)
        if "ce_id" in names:
            forms[record.topic]["binary"] += 1
        elif names.get("content-type", b"").startswith(b"application/cloudevents+json"):
            forms[record.topic]["structured"] += 1
        else:
            forms[record.topic]["plain"] += 1

    for topic in ("wechat.pay", "wechat.mini-program", "event.check-in", "privacy.requests"):
        assert set(forms[topic]) == {"binary", "structured", "plain"}


def test_a_retry_is_another_message_about_the_same_payment(day: Day) -> None:
    events = _events(day)
    retries = [event for record, event in events if record.kind == "retry"]
    firsts = {
        _body(event).transaction_id: event
        for record, event in events
        if record.kind == "payment.succeeded.v1"
    }

    assert len(retries) == 40
    for event in retries:
        first = firsts[_body(event).transaction_id]
        assert first.id != event.id
        assert first.data == event.data


def test_three_in_a_hundred_records_are_repeated_exactly(day: Day) -> None:
    repeated = [record for record in day.records if record.kind == "again"]
    others = {(r.topic, r.key, r.value, r.headers) for r in day.records if r.kind != "again"}

    assert len(repeated) == 120
    assert {(r.topic, r.key, r.value, r.headers) for r in repeated} <= others
    assert day.expectation.duplicates == 160


def test_some_refunds_overtake_their_payment_and_none_is_above_it(day: Day) -> None:
    arrived: dict[str, int] = {}
    for record, event in _events(day):
        if event.type == "payment.succeeded.v1":
            arrived.setdefault(_body(event).transaction_id, record.time_ms)
    refunded: Counter[str] = Counter()
    totals: dict[str, int] = {}
    early = late = 0
    known: set[str] = set()
    for record, event in _events(day):
        if event.type != "refund.succeeded.v1" or _body(event).refund_id in known:
            continue
        data = _body(event)
        known.add(data.refund_id)
        refunded[data.transaction_id] += data.amount.refund
        totals[data.transaction_id] = data.amount.total
        early += record.time_ms < arrived[data.transaction_id]
        late += record.time_ms > arrived[data.transaction_id]

    assert early >= 5
    assert late > early
    assert all(refunded[transaction] <= total for transaction, total in totals.items())
    assert any(refunded[transaction] == total for transaction, total in totals.items())
    assert any(refunded[transaction] < total for transaction, total in totals.items())


def test_many_binds_come_after_several_payments(day: Day) -> None:
    paid: Counter[tuple[str, str]] = Counter()
    bound: set[tuple[str, str]] = set()
    late = 0
    for _, event in _events(day):
        data = _body(event)
        origin = getattr(data, "origin", None)
        if event.type == "payment.succeeded.v1":
            paid[_body(event).origin] += 1
        elif origin and getattr(data, "unionid", None) and origin not in bound:
            bound.add(origin)
            late += paid[origin] >= 3

    assert late >= 10
    assert any(origin not in bound for origin in paid)


def test_binds_and_conflicts_are_known(day: Day) -> None:
    claims: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for _, event in _events(day):
        data = _body(event)
        origin, unionid = getattr(data, "origin", None), getattr(data, "unionid", None)
        if origin and unionid and not getattr(data, "is_snapshot_user", False):
            account = "abc-brand" if origin[0].startswith("wx1a2b") else "fit-brand"
            union, seen = f"union.{account}.{unionid}", (event.time_ms, event.id)
            mine = claims["origin." + ".".join(origin)]
            mine[union] = min(seen, mine.get(union, seen))

    assert day.expectation.binds == {
        origin: min(unions, key=unions.__getitem__) for origin, unions in claims.items()
    }
    assert day.expectation.conflicts == sum(len(unions) - 1 for unions in claims.values()) == 2


def test_virtual_users_share_no_id_with_anybody(day: Day) -> None:
    virtual: set[str | None] = set()
    others: set[str | None] = set()
    for _, event in _events(day):
        data = _body(event)
        ids = {getattr(data, "openid", None), getattr(data, "unionid", None)} - {None}
        (virtual if getattr(data, "is_snapshot_user", False) else others).update(ids)

    assert len(virtual) == 2 * day.expectation.refused_snapshot == 4
    assert not virtual & others


def test_consents_are_early_late_withdrawn_or_missing(day: Day) -> None:
    start = day.end_ms + 1 - DAY_MS
    granted = [r for r, e in _events(day) if e.type == "consent.granted.v1" and r.kind == e.type]
    early = [record for record in granted if record.time_ms < start + 3_600_000]
    withdrawn = [r for r, e in _events(day) if e.type == "consent.withdrawn.v1"]

    assert 0.6 * 400 < len(early) < 0.85 * 400
    assert 20 < len(granted) - len(early) < 100
    assert withdrawn
    assert len(granted) < 0.95 * 400  # the rest never answers


def test_the_crm_names_new_members_in_every_way(day: Day) -> None:
    ways: Counter[str] = Counter()
    for _, event in _events(day):
        if event.type == "member.enrolled.v1":
            named = ("consumer_id", "unionid", "openid", "transaction_id")
            ways.update(name for name in named if getattr(_body(event), name) is not None)

    assert set(ways) == {"consumer_id", "unionid", "openid", "transaction_id"}


def test_payments_come_directly_and_through_a_provider_with_and_without_coupons(day: Day) -> None:
    payments = [_body(e) for _, e in _events(day) if e.type == "payment.succeeded.v1"]
    partner = [payment for payment in payments if isinstance(payment, PartnerPayment)]

    assert 0 < len(partner) < len(payments) / 3
    assert {payment.sub_appid is None for payment in partner} == {True, False}
    with_coupon = [payment for payment in payments if payment.promotion_detail]
    assert with_coupon
    for payment in with_coupon:
        coupons = sum(coupon.amount for coupon in payment.promotion_detail)
        assert payment.amount.total - payment.amount.payer_total == coupons


def test_ids_look_like_wechats(day: Day) -> None:
    for _, event in _events(day):
        for name in ("openid", "unionid"):
            value = getattr(event.data, name, None)
            assert value is None or (len(value) == 28 and value[0] == "o")
        if event.type == "payment.succeeded.v1":
            assert len(_body(event).transaction_id) == 28


def test_keys_are_whatever_a_producer_likes(day: Day) -> None:
    keys = [record.key for record in day.records if record.topic == "wechat.pay"]

    assert None in keys
    assert len(set(keys)) > 100


def test_sizes_which_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="4 events for each"):
        generate(consumers=100, events=399, day=DATE)
    with pytest.raises(ValueError, match="at least 20 consumers"):
        generate(consumers=19, events=400, day=DATE)


def test_another_directory_of_apps_is_refused_with_what_it_lacks(directory: Directory) -> None:
    accounts = dict(directory.open_account_by_appid)
    accounts["wx1a2b3c4d5e6f7a02"] = "elsewhere"
    other = replace(directory, open_account_by_appid=accounts)

    with pytest.raises(ValueError, match="wx1a2b3c4d5e6f7a02, or has them in another"):
        generate(consumers=20, events=80, day=DATE, directory=other)


def test_the_default_day_is_over() -> None:
    assert yesterday(date(2026, 3, 1)) == date(2026, 2, 28)


def test_a_big_day_is_made_in_a_few_seconds() -> None:
    before = time.process_time()

    day = generate(consumers=20_000, events=100_000, day=DATE)

    assert len(day.records) == 100_000
    assert time.process_time() - before < 20
