# SPDX-License-Identifier: Apache-2.0
"""Member cards accepted and deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.cards import read_brand_card, read_card
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import ACCOUNT, ACCOUNT_OPENID, CARD_CODE, CARD_ID, SHAPES, UNIONID

MERCHANT = merchant()
ACCEPTED, DELETED = "card.accepted.v1", "card.deleted.v1"
CARD = {"appid": ACCOUNT, "openid": ACCOUNT_OPENID, "card_id": CARD_ID, "card_code": CARD_CODE}


def read(
    shape: str, event_type: str = "", /, by: Merchant = MERCHANT, **changes: Any
) -> DeliveryAccepted:
    reader = read_brand_card if shape.startswith("brand") else read_card
    return reader(SHAPES[shape].notification(event_type, **changes), by)


def data(result: DeliveryAccepted) -> dict[str, Any]:
    (event,) = result.events
    return event.data.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize(
    "shape", ["card accepted", "card recovered", "card by phone", "card activated"]
)
def test_a_card_taken_says_who_it_is(shape: str) -> None:
    result = read(shape)
    assert result.events[0].type == ACCEPTED
    assert data(result) == {**CARD, "unionid": UNIONID}
    assert result.events[0].time == datetime(2026, 3, 1, 2, 35, 53, tzinfo=UTC)


def test_a_card_thrown_away() -> None:
    result = read("card deleted")
    assert (result.events[0].type, data(result)) == (DELETED, CARD)


def test_a_card_of_a_brand() -> None:
    created, deleted = read("brand card created"), read("brand card deleted")
    assert (created.events[0].type, data(created)) == (ACCEPTED, CARD)
    assert (deleted.events[0].type, data(deleted)) == (DELETED, CARD)


def test_an_event_has_the_time_of_its_own_fact() -> None:
    later = "2026-04-01T08:00:00.000+08:00"
    deleted = read("brand card deleted", modify_time=later)
    assert deleted.events[0].time == datetime(2026, 4, 1, tzinfo=UTC)
    created = read("brand card created", modify_time=later)
    assert created == read("brand card created")


def test_a_card_may_have_no_code_and_no_union_id() -> None:
    card = data(read("card accepted", code=..., unionid=""))
    assert card == {"appid": ACCOUNT, "openid": ACCOUNT_OPENID, "card_id": CARD_ID}


def test_the_inner_event_decides() -> None:
    card = read("card accepted", "MEMBERCARD.USERCARD_MANAGE")
    assert card == read("card accepted")


@pytest.mark.parametrize("inner", [..., None, 5, ["NEW_ACTIVATE"], "NEWS", ""])
def test_an_inner_event_that_is_unknown_is_only_counted(inner: Any) -> None:
    assert read("card accepted", event_type=inner) == DeliveryAccepted(Kind.OTHER)


LOOKED_AT = pytest.mark.parametrize(
    ("shape", "kind"), [("card viewed", Kind.CARD_VIEWED), ("card changed", Kind.CARD_CHANGED)]
)


@LOOKED_AT
def test_looking_at_a_card_says_who_it_is(shape: str, kind: Kind) -> None:
    result = read(shape)
    person = {"appid": ACCOUNT, "openid": ACCOUNT_OPENID, "unionid": UNIONID}
    assert result.kind == kind
    assert result.events[0].type == "unionid.resolved.v1"
    assert data(result) == {**person, "method": "member_card"}


@LOOKED_AT
@pytest.mark.parametrize("unionid", [..., "", None])
def test_without_a_union_id_that_is_only_counted(shape: str, kind: Kind, unionid: Any) -> None:
    assert read(shape, unionid=unionid) == DeliveryAccepted(kind)


@LOOKED_AT
def test_who_looks_at_a_card_without_an_app_is_nobody(shape: str, kind: Kind) -> None:
    assert read(shape, card_id="pAnother") == DeliveryAccepted(Kind.CARD_APP_NOT_SET)


def test_other_news_of_a_brands_card_are_only_counted() -> None:
    card = read("brand card created", "BRAND_MEMBER_CARD_SP.SYNC_USER_POINT")
    assert card == DeliveryAccepted(Kind.CARD_POINTS)


@pytest.mark.parametrize("shape", ["card accepted", "card deleted", "brand card created"])
@pytest.mark.parametrize("card_id", [..., "", "pAnother", 5, ["x"]])
def test_a_card_without_an_app_is_nobodys(shape: str, card_id: Any) -> None:
    assert read(shape, card_id=card_id) == DeliveryAccepted(Kind.CARD_APP_NOT_SET)


def test_ids_are_those_of_the_same_fact_and_of_no_other() -> None:
    assert read("card accepted").events == read("card accepted").events
    zulu = read("card accepted", event_time="2026-03-01T02:35:53.000Z")
    assert zulu.events[0].id == read("card accepted").events[0].id
    others = [
        read("card accepted"),
        read("card deleted"),
        read("card accepted", code="478500000002"),
        read("card accepted", event_time="2026-03-01T10:35:54+08:00"),
    ]
    assert len({result.events[0].id for result in others}) == len(others)


@pytest.mark.parametrize(
    ("shape", "changes", "place"),
    [
        ("card accepted", {"event_time": ...}, "$.event_time"),
        ("card accepted", {"openid": ...}, "openid is missing"),
        ("card accepted", {"unionid": "UNIONID"}, "unionid"),
        ("card accepted", {"code": "通"}, "card_code"),
        ("brand card created", {"pickup_time": ...}, "$.pickup_time"),
        ("brand card deleted", {"modify_time": 5}, "$.modify_time"),
    ],
)
def test_what_is_none_is_rejected_with_its_place(
    shape: str, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read(shape, **changes)
    assert caught.value.reason is RejectReason.MALFORMED
    assert place in caught.value.message
