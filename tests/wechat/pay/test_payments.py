# SPDX-License-Identifier: Apache-2.0
"""Payments in all their shapes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import (
    DeliveryAccepted,
    DeliveryRejected,
    OutboundEvent,
    RejectReason,
)
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.payments import NOT_MADE, read_payment
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import (
    ACCOUNT_OPENID,
    MCHID,
    MINI_PROGRAM,
    OPENID,
    PROVIDER,
    PROVIDER_MCHID,
    SHAPES,
    SHOP_MCHID,
    TRANSACTION,
)

MERCHANT = merchant()


def read(shape: str, event_type: str = "", /, **changes: Any) -> DeliveryAccepted:
    return read_payment(SHAPES[shape].notification(event_type, **changes), MERCHANT)


def only(accepted: DeliveryAccepted) -> OutboundEvent:
    (event,) = accepted.events
    return event


def data(event: OutboundEvent) -> dict[str, Any]:
    return event.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def test_a_direct_payment_is_kept_as_it_was_sent() -> None:
    event = only(read("direct"))
    expected = SHAPES["direct"].with_(success_time="2026-03-01T00:12:30.000Z")
    assert data(event) == expected
    assert (event.topic, event.type) == ("wechat.pay", "payment.succeeded.v1")
    assert event.id == f"payment:{TRANSACTION}"
    assert event.time == datetime(2026, 3, 1, 0, 12, 30, tzinfo=UTC)


def test_a_partners_payer_is_known_in_both_apps() -> None:
    result: Any = only(read("partner")).data
    assert result.origin == (MINI_PROGRAM, OPENID)
    assert (result.sp_mchid, result.sub_mchid) == (PROVIDER_MCHID, SHOP_MCHID)
    result = only(read("partner", payer__sub_openid=...)).data
    assert result.origin == (PROVIDER, ACCOUNT_OPENID)


def test_a_partners_payer_may_be_known_in_the_merchants_app_alone() -> None:
    result: Any = only(read("partner", payer={"sub_openid": OPENID})).data
    assert result.origin == (MINI_PROGRAM, OPENID)


def test_an_empty_field_is_an_absent_one() -> None:
    result: Any = only(read("partner", payer__sub_openid="", sub_appid=None, attach="")).data
    assert result.origin == (PROVIDER, ACCOUNT_OPENID)
    assert (result.sub_appid, result.attach) == (None, None)


def test_a_combined_payment_is_one_event_for_each_order() -> None:
    accepted = read("combined")
    assert accepted.kind is Kind.COMBINE_PAYMENT
    first, second = (data(event) for event in accepted.events)
    assert first == {
        "transaction_id": "4200000000202603010000000010",
        "out_trade_no": "S20260301-0000",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "bank_type": "CMC",
        "attach": "深圳分店",
        "success_time": "2026-03-01T00:12:30.120Z",
        "amount": {"total": 1000, "payer_total": 900, "currency": "CNY", "payer_currency": "CNY"},
        "scene_info": {"device_id": "POS1:1"},
        "appid": MINI_PROGRAM,
        "mchid": MCHID,
        "payer": {"openid": OPENID},
    }
    assert (second["mchid"], second["amount"]["payer_total"]) == (SHOP_MCHID, 1900)
    assert len({event.id for event in accepted.events}) == 2


def test_of_a_combined_payment_the_seller_is_the_sub_merchant() -> None:
    events = read("combined", sub_orders__0__sub_mchid="1900000888").events
    assert [event.data.mchid for event in events] == ["1900000888", SHOP_MCHID]  # type: ignore[attr-defined]


def test_an_order_that_was_not_paid_does_not_take_the_others_along() -> None:
    accepted = read("combined", sub_orders__0__trade_state="CLOSED")
    assert (accepted.kind, len(accepted.events)) == (Kind.COMBINE_PAYMENT, 1)
    accepted = read("combined", sub_orders__1__amount__payer_currency="USD")
    assert (accepted.kind, len(accepted.events)) == (Kind.COMBINE_PAYMENT, 1)


def test_a_global_payment_counts_what_was_paid_in_yuan() -> None:
    result = data(only(read("global")))
    assert result["transaction_id"] == TRANSACTION
    assert result["amount"] == {
        "total": 51879,
        "payer_total": 51879,
        "currency": "CNY",
        "payer_currency": "CNY",
    }
    assert "promotion_detail" not in result


@pytest.mark.parametrize(
    ("currency", "payer_currency", "counts"),
    [
        *(("CNY", "CNY", True), ("HKD", "CNY", True), (..., "CNY", True), ("CNY", ..., True)),
        *((..., ..., True), ("HKD", "HKD", False), ("HKD", ..., False), ("CNY", "HKD", False)),
        (..., "USD", False),
    ],
)
@pytest.mark.parametrize("shape", ["direct", "partner", "global"])
def test_only_what_was_paid_in_yuan_becomes_an_event(
    shape: str, currency: Any, payer_currency: Any, counts: bool
) -> None:
    accepted = read(shape, amount__currency=currency, amount__payer_currency=payer_currency)
    assert bool(accepted.events) is counts
    assert (accepted.kind is Kind.FOREIGN_CURRENCY) is not counts


def test_where_the_price_is_in_another_currency_so_are_its_coupons() -> None:
    result = data(only(read("direct", amount__currency="HKD")))
    assert "promotion_detail" not in result
    assert result["amount"]["total"] == 2300


def test_a_global_payment_through_a_provider() -> None:
    accepted = read("partner", id=TRANSACTION, transaction_id=..., amount__currency="HKD")
    assert accepted.kind is Kind.PARTNER_PAYMENT
    assert only(accepted).id == f"payment:{TRANSACTION}"


def test_a_parking_fee_is_an_agreed_deduction() -> None:
    result = data(only(read("parking")))
    assert result["trade_type"] == "PAP"
    assert result["payer"] == {"openid": OPENID}
    assert result["amount"] == {"total": 1500, "payer_total": 1400, "currency": "CNY"}
    assert result["promotion_detail"] == [{"coupon_id": "109001", "amount": 100}]


def test_a_parking_fee_through_a_provider_writes_other_names() -> None:
    accepted = read("parking", sp_mchid=PROVIDER_MCHID, sub_mchid=SHOP_MCHID, mchid=...)
    result: Any = only(accepted).data
    assert accepted.kind is Kind.PARKING_PAYMENT
    assert result.origin == (MINI_PROGRAM, OPENID)
    assert (result.sp_mchid, result.sub_mchid) == (PROVIDER_MCHID, SHOP_MCHID)


@pytest.mark.parametrize("name", ["payer", "transaction_id"])
def test_a_parking_fee_of_nobody_is_only_counted(name: str) -> None:
    assert read("parking", **{name: ...}) == DeliveryAccepted(Kind.PARKING_INCOMPLETE)


def test_profit_sharing_has_no_payer_under_any_name() -> None:
    shape = SHAPES["profit sharing"]
    assert read_payment(shape.notification(), MERCHANT) == DeliveryAccepted(Kind.PROFIT_SHARING)


@pytest.mark.parametrize("state", sorted(NOT_MADE))
@pytest.mark.parametrize("shape", ["direct", "partner", "parking"])
def test_what_was_not_paid_is_only_counted(shape: str, state: str) -> None:
    assert read(shape, trade_state=state) == DeliveryAccepted(Kind.PAYMENT_NOT_MADE)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        *(("FACE", "FACEPAY"), ("PALMPAY", "OTHER"), ("AUTH", "OTHER"), (..., "OTHER")),
        *((" JSAPI ", "JSAPI"), (["x"], "OTHER"), ("", "OTHER")),
    ],
)
@pytest.mark.parametrize("shape", ["direct", "partner"])
def test_a_way_of_paying_that_is_new_is_kept_as_another(
    shape: str, written: Any, kept: str
) -> None:
    assert data(only(read(shape, trade_type=written)))["trade_type"] == kept


_PROMOTION, _GOODS = "promotion_detail__0", "promotion_detail__0__goods_detail__0"


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"attach": "x" * 129}, "attach"),
        ({"attach": ["x"]}, "attach"),
        ({"trade_state_desc": "x" * 300}, "trade_state_desc"),
        ({"bank_type": "x" * 65}, "bank_type"),
        ({"out_trade_no": "早餐 1"}, "out_trade_no"),
        ({"scene_info__device_id": "x" * 65}, "scene_info.device_id"),
        ({"scene_info": "till"}, "scene_info"),
        ({"promotion_detail": {}}, "promotion_detail"),
        ({_PROMOTION: 5}, "promotion_detail.0"),
        (
            {f"{_PROMOTION}__coupon_id": ..., f"{_PROMOTION}__promotion_id": "1"},
            "promotion_detail.0",
        ),
        ({f"{_PROMOTION}__name": "x" * 65}, "promotion_detail.0.name"),
        ({f"{_PROMOTION}__amount": "5.00"}, "promotion_detail.0"),
        ({f"{_GOODS}__discount_amount": ...}, "promotion_detail.0.goods_detail.0"),
        ({f"{_GOODS}__quantity": 0.5}, "promotion_detail.0.goods_detail.0"),
        ({f"{_GOODS}__goods_id": "x" * 65}, "promotion_detail.0.goods_detail.0"),
        ({f"{_GOODS}__goods_remark": "x" * 129}, "promotion_detail.0.goods_detail.0.goods_remark"),
    ],
)
def test_of_what_decides_nothing_only_that_is_left_out_which_cannot_be_read(
    changes: dict[str, Any], left_out: str
) -> None:
    expected = data(only(read("direct")))
    *parents, last = [int(s) if s.isdigit() else s for s in left_out.split(".")]
    node: Any = expected
    for step in parents:
        node = node[step]
    node.pop(last, None) if isinstance(node, dict) else node.pop(last)
    assert without_empty(data(only(read("direct", **changes)))) == without_empty(expected)


def without_empty(value: Any) -> Any:
    """Without the objects and arrays of which nothing is left."""
    if isinstance(value, dict):
        pairs = {name: without_empty(item) for name, item in value.items()}
        return {name: item for name, item in pairs.items() if item not in ({}, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("original_type", ["transaction", ""])
def test_a_payload_that_is_no_payment_is_only_counted(original_type: str) -> None:
    """As ETC's, which has a contract and a plate, and neither payer nor amount."""
    etc = {"sp_mchid": PROVIDER_MCHID, "contract_id": "C1", "plate_number": "粤B00000"}
    notification = replace(SHAPES["direct"], data=etc, original_type=original_type).notification()
    assert read_payment(notification, MERCHANT) == DeliveryAccepted(Kind.NO_PAYMENT)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("TRANSACTION.FAIL", Kind.PAYMENT_NOT_MADE),
        ("TRANSACTION.INDUSTRY_SUCCESS", Kind.SCHOOL_PAYMENT),
        ("TRANSACTION.PAY_BACK", Kind.REPAYMENT),
        ("TRANSACTION.SOMETHING_NEW", Kind.OTHER),
    ],
)
def test_another_event_of_a_transaction_is_only_counted(event_type: str, kind: Kind) -> None:
    assert read("direct", event_type) == DeliveryAccepted(kind)


def test_amounts_may_be_strings_and_times_may_be_of_beijing() -> None:
    result: Any = only(
        read("direct", amount__total="2800", success_time="20260301081230", out_trade_no=" B1 ")
    ).data
    assert result.amount.total == 2800
    assert result.success_time == datetime(2026, 3, 1, 0, 12, 30, tzinfo=UTC)
    assert result.out_trade_no == "B1"


def test_what_a_merchant_attached_is_left_as_it_is() -> None:
    result: Any = only(read("direct", attach=" store=1 ")).data
    assert result.attach == " store=1 "


@pytest.mark.parametrize(
    ("shape", "changes", "place"),
    [
        ("direct", {"transaction_id": ...}, "transaction_id is missing"),
        ("direct", {"transaction_id": "4200 00"}, "transaction_id"),
        ("direct", {"payer": ...}, "payer is missing"),
        ("direct", {"payer__openid": "OPENID"}, "payer.openid"),
        ("direct", {"payer__openid": "no id!"}, "payer.openid"),
        ("direct", {"payer": []}, "payer"),
        ("direct", {"amount": ...}, "amount is missing"),
        ("direct", {"amount": 5}, "amount"),
        ("direct", {"amount__total": 28.0}, "amount.total"),
        ("direct", {"amount__total": "28.00"}, "amount.total"),
        ("direct", {"amount__total": 10**15}, "amount.total"),
        ("direct", {"amount__payer_total": True}, "amount.payer_total"),
        ("direct", {"amount__payer_currency": 5}, "amount.payer_currency"),
        ("direct", {"amount__currency": 5}, "amount.currency"),
        ("direct", {"trade_state": "WON"}, "trade_state"),
        ("direct", {"trade_state": ...}, "trade_state"),
        ("direct", {"success_time": ...}, "success_time"),
        ("direct", {"success_time": "2026-03-01 08:12:30"}, "success_time"),
        ("direct", {"success_time": "1999-03-01T08:12:30+08:00"}, "success_time"),
        ("partner", {"sub_mchid": ...}, "sub_mchid is missing"),
        ("partner", {"payer": {}}, "needs payer.sp_openid"),
        ("partner", {"payer__sp_openid": ..., "sub_appid": ...}, "needs payer.sp_openid"),
        ("partner", {"payer": None}, "payer"),
        ("combined", {"combine_payer_info": ...}, "payer is missing"),
        ("combined", {"combine_appid": ""}, "appid is missing"),
        ("combined", {"sub_orders__1__transaction_id": ...}, "transaction_id is missing"),
        ("combined", {"sub_orders__1__amount__payer_amount": ...}, "amount.payer_total"),
        ("combined", {"sub_orders__1": "order"}, "must be a JSON object"),
        ("combined", {"sub_orders": []}, "$.sub_orders"),
        ("combined", {"sub_orders": {}}, "$.sub_orders"),
        ("global", {"id": 5}, "transaction_id"),
        ("global", {"amount__payer_total": ...}, "payer_total"),
        ("parking", {"amount__total": ...}, "amount.total"),
    ],
)
def test_a_payment_that_is_none_is_rejected_with_its_place(
    shape: str, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read(shape, **changes)
    assert caught.value.reason is RejectReason.MALFORMED
    assert place in caught.value.message
