# SPDX-License-Identifier: Apache-2.0
"""Coupons received and used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.coupons import read_coupon, read_product_coupon
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import ACCOUNT, ACCOUNT_OPENID, SHAPES, TRANSACTION, UNIONID

MERCHANT = merchant()
WITHOUT_APP = merchant(coupon_appid=None)


def read(
    shape: str, event_type: str = "", /, by: Merchant = MERCHANT, **changes: Any
) -> DeliveryAccepted:
    reader = read_product_coupon if shape.endswith("product coupon") else read_coupon
    return reader(SHAPES[shape].notification(event_type, **changes), by)


def data(accepted: DeliveryAccepted) -> dict[str, Any]:
    (event,) = accepted.events
    return event.data.model_dump(mode="json", exclude_none=True)


def test_a_coupon_that_came_with_a_payment_names_payer_and_person() -> None:
    accepted = read("coupon sent")
    assert data(accepted) == {
        "stock_id": "1286950000000001",
        "coupon_code": "122794495900000000001",
        "appid": ACCOUNT,
        "openid": ACCOUNT_OPENID,
        "unionid": UNIONID,
        "transaction_id": TRANSACTION,
    }
    assert accepted.events[0].time == datetime(2026, 3, 1, 2, 35, 53, tzinfo=UTC)


def test_without_the_app_the_payment_alone_names_the_payer() -> None:
    result = data(read("coupon sent", by=WITHOUT_APP))
    assert result.keys() == {"stock_id", "coupon_code", "transaction_id"}


def test_without_app_and_payment_it_is_only_counted() -> None:
    result = read("coupon sent", by=WITHOUT_APP, attach_info=...)
    assert result == DeliveryAccepted(Kind.COUPON_APP_NOT_SET)


@pytest.mark.parametrize("by", [MERCHANT, WITHOUT_APP])
def test_a_coupon_of_nobody_is_only_counted(by: Merchant) -> None:
    result = read("coupon sent", by=by, openid=..., unionid="", attach_info={"act_code": "5"})
    assert result == DeliveryAccepted(Kind.COUPON_OF_NOBODY)


def test_each_id_of_a_person_may_be_absent() -> None:
    result = data(read("coupon sent", unionid=...))
    assert (result["appid"], result["openid"]) == (ACCOUNT, ACCOUNT_OPENID)
    result = data(read("coupon sent", openid=..., attach_info="none"))
    assert (result["appid"], result["unionid"]) == (ACCOUNT, UNIONID)


def test_a_used_coupon_names_its_payment() -> None:
    accepted = read("coupon used")
    assert data(accepted) == {
        "stock_id": "9865001",
        "coupon_code": "98674001",
        "transaction_id": TRANSACTION,
    }
    assert accepted.events[0].time.microsecond == 120_000


def test_a_use_may_be_printed_as_a_payment() -> None:
    """As by WeChat's page for service providers."""
    assert read("coupon used", "TRANSACTION.SUCCESS") == read("coupon used")


@pytest.mark.parametrize(
    "changes", [{"consume_information": ...}, {"consume_information__transaction_id": ...}]
)
def test_a_use_without_a_payment_is_only_counted(changes: dict[str, Any]) -> None:
    assert read("coupon used", **changes) == DeliveryAccepted(Kind.COUPON_WITHOUT_PAYMENT)


def test_each_use_of_a_coupon_is_one_event() -> None:
    again = read("coupon used", consume_information__transaction_id=TRANSACTION + "9")
    assert again.events[0].id != read("coupon used").events[0].id


def test_a_product_coupon_names_its_app() -> None:
    result = data(read("product coupon"))
    assert result == {
        "stock_id": "1000930001001",
        "coupon_code": "122794495900000000002",
        "appid": ACCOUNT,
        "openid": ACCOUNT_OPENID,
        "unionid": UNIONID,
    }


def test_a_brand_merchant_hears_of_its_coupon_by_a_name_of_its_own() -> None:
    accepted = read("brand's product coupon")
    assert accepted.kind is Kind.COUPON_RECEIVED
    assert data(accepted) == {
        "stock_id": "100232301",
        "coupon_code": "Code_123456",
        "appid": ACCOUNT,
        "openid": ACCOUNT_OPENID,
        "unionid": UNIONID,
    }
    nobody = read("brand's product coupon", openid=..., unionid="")
    assert nobody == DeliveryAccepted(Kind.COUPON_OF_NOBODY)


def test_other_news_of_coupons_are_only_counted() -> None:
    images = read("product coupon", "PRODUCT_COUPON_SP.IMAGE_GENERATION")
    assert images == DeliveryAccepted(Kind.MARKETING)
    assert read("coupon sent", "COUPON.NEW", send_time=...) == DeliveryAccepted(Kind.OTHER)


@pytest.mark.parametrize(
    ("shape", "changes", "place"),
    [
        ("coupon sent", {"send_time": ...}, "$.send_time"),
        ("coupon sent", {"coupon_code": ...}, "coupon_code is missing"),
        ("coupon sent", {"openid": "OPENID"}, "openid"),
        ("coupon sent", {"attach_info__transaction_id": 42}, "transaction_id"),
        ("coupon used", {"stock_id": ...}, "stock_id is missing"),
        ("coupon used", {"coupon_id": ...}, "coupon_code"),
        ("coupon used", {"consume_information__consume_time": "soon"}, "$.consume_time"),
        ("product coupon", {"receive_time": ...}, "$.receive_time"),
        ("product coupon", {"appid": ...}, "appid must come with openid"),
    ],
)
def test_what_is_none_is_rejected_with_its_place(
    shape: str, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read(shape, **changes)
    assert caught.value.reason is RejectReason.MALFORMED
    assert place in caught.value.message
