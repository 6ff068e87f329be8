# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from schemas import Event, decode
from stream.engine.intake.facts_of_events import fact_of, refund_of
from stream.engine.model.messages import RefundReported
from stream.engine.model.touchpoints import Touchpoint
from tests.schemas.samples import changed, example, plain, topic_of
from tests.support import events
from tests.support.books import START
from tests.support.events import event

MALL = {"appid": "wxmp", "openid": "oMei-1", "mchid": "1528064319", "transaction_id": "t1"}


def of_example(type_: str, document: dict[str, Any] | None = None) -> Event:
    value, headers = plain(document or example(type_))
    return decode(value, headers, topic_of(type_))


@pytest.mark.parametrize(
    ("type_", "path", "value", "same"),
    [
        ("payment.succeeded.v1", "id", "other", True),
        ("payment.succeeded.v1", "data.transaction_id", "other", False),
        ("account.followed.v1", "id", "other", True),
        ("account.followed.v1", "time", "2026-03-02T08:00:00+08:00", False),
        ("account.followed.v1", "data.openid", "other", False),
        ("qrcode.scanned.v1", "data.event_key", "other", False),
        ("message.received.v1", "id", "other", True),
        ("message.received.v1", "data.msg_id", "1", False),
        ("session.logged_in.v1", "id", "other", False),
        ("session.logged_in.v1", "source", "urn:other", False),
        ("order.placed.v1", "id", "other", True),
        ("order.placed.v1", "data.order_id", "other", False),
        ("content.uploaded.v1", "id", "other", True),
        ("content.uploaded.v1", "data.content_id", "other", False),
        ("attendee.registered.v1", "id", "other", True),
        ("attendee.registered.v1", "data.ticket_id", "other", False),
        ("attendee.checked_in.v1", "id", "other", True),
        ("attendee.checked_in.v1", "data.list_id", "other", False),
        ("attendee.checked_in.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("attendee.checked_in.v1", "data.attempt", 1, True),
        ("attendee.checked_in.v1", "data.attempt", 2, False),
        ("attendee.checked_in.v1", "data.ticket_id", "other", False),
        ("attendee.checked_out.v1", "time", "2026-03-07T18:00:00+08:00", True),
        ("order.placed.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("order.cancelled.v1", "id", "other", True),
        ("coupon.received.v1", "id", "other", True),
        ("coupon.received.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("coupon.received.v1", "data.coupon_code", "other", False),
        ("coupon.used.v1", "id", "other", True),
        ("coupon.used.v1", "data.stock_id", "other", False),
        ("card.accepted.v1", "id", "other", True),
        ("card.accepted.v1", "data.card_code", "other", False),
        ("card.deleted.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("card.used.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("card.used.v1", "data.transaction_id", "other", False),
        ("mall.authorised.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("notice.delivered.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("notice.delivered.v1", "data.msg_id", "other", False),
        ("subscription.answered.v1", "id", "other", True),
        ("subscription.answered.v1", "data.template_id", "other", False),
        ("conversation.entered.v1", "id", "other", True),
        ("conversation.entered.v1", "time", "2026-03-02T08:00:00+08:00", False),
        ("unionid.resolved.v1", "time", "2026-03-02T08:00:00+08:00", True),
        ("unionid.resolved.v1", "data.unionid", "other", False),
        ("openid.changed.v1", "id", "other", True),
        ("openid.changed.v1", "data.former_openid", "other", False),
        ("member.enrolled.v1", "id", "other", True),
        ("member.enrolled.v1", "data.member_id", "other", False),
        ("consent.granted.v1", "id", "other", False),
    ],
)
def test_what_makes_two_records_one_event(type_: str, path: str, value: Any, same: bool) -> None:
    keys = set()
    for one in (of_example(type_), of_example(type_, changed(example(type_), path, value))):
        keys.add(fact_of(one).key)
    assert (len(keys) == 1) is same


def test_a_reversal_is_the_check_in_which_it_takes_back() -> None:
    who = {"unionid": "uMei", "open_account": "brand"}
    event_in = fact_of(events.check_in(START, "k1", who))
    back = fact_of(events.revert(START + 60_000, "k1", who, START))
    assert (back.key, back.time) == (event_in.key, event_in.time)
    assert (back.rank, back.reversal, event_in.rank, event_in.reversal) == (1, True, 0, False)


def test_a_cancelled_order_is_the_order_which_it_takes_back() -> None:
    placed, gone = (fact_of(of_example(f"order.{word}.v1")) for word in ("placed", "cancelled"))
    assert (gone.key, gone.time, gone.touchpoint) == (placed.key, placed.time, Touchpoint.ORDER)
    assert (gone.rank, gone.reversal, placed.rank, placed.reversal) == (1, True, 0, False)


def test_the_lines_of_one_article_are_added_up_and_their_order_says_nothing() -> None:
    latte = {"category": "coffee", "sku_id": "latte"}
    lines: list[dict[str, Any]] = [
        {"product_id": "p1"},
        {**latte, "quantity": 1, "price_fen": 1900},
        {"category": "tea", "product_id": "p2", "sku_id": "green", "quantity": 3},
        {**latte, "quantity": 2, "price_fen": 3800},
    ]
    for order in (lines, lines[::-1]):
        fact = fact_of(events.order(START, "o1", "oMei-1", order))
        assert fact.lines == [
            {"product_id": "p1"},
            {**latte, "quantity": 3, "price_fen": 5700},
            {"category": "tea", "product_id": "p2", "sku_id": "green", "quantity": 3},
        ]
        assert fact.fields == {"appid": "wxmp", "categories": 2, "products": 2}
    assert fact_of(events.order(START, "o1", "oMei-1", [])).fields == {"appid": "wxmp"}


def test_a_payment_in_a_mall_is_the_same_payment() -> None:
    data = {**MALL, "amount": 900, "time_end": "2026-03-01T08:00:00+08:00", "shop_number": "50001"}
    in_mall = fact_of(event("payment.succeeded.v1", START, data))
    direct = fact_of(events.payment(START, "t1", "oMei-1", 1000, 900))
    assert (in_mall.key, in_mall.touchpoint) == (direct.key, Touchpoint.PURCHASE)
    assert in_mall.fields == {
        "appid": "wxmp",
        "mchid": "1528064319",
        "total_fen": 900,
        "payer_total_fen": 900,
        "shop_number": "50001",
    }


def test_a_refund_in_a_mall_is_of_what_the_payer_paid() -> None:
    data = {
        **MALL,
        "refund_id": "r1",
        "pay_amount": 900,
        "refund_amount": 300,
        "refund_time": "2026-03-01T08:00:00+08:00",
    }
    one = event("refund.succeeded.v1", START, data)
    at = fact_of(
        event("payment.succeeded.v1", START, {**MALL, "amount": 1, "time_end": data["refund_time"]})
    ).time
    assert refund_of(one) == RefundReported("r1", one.id, at, 300, 300, MALL["mchid"])


@pytest.mark.parametrize(("accepted", "answer"), [(True, "accept"), (False, "reject")])
def test_the_answer_to_a_subscription_can_be_tested_by_rules(accepted: bool, answer: str) -> None:
    data = {"appid": "wxmp", "openid": "oMei-1", "template_id": "t", "accepted": accepted}
    fact = fact_of(event("subscription.answered.v1", START, data))
    assert fact.fields == {"appid": "wxmp", "template_id": "t", "answer": answer}
