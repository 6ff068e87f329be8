# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from schemas.pay import DirectPayment, DirectRefund, PartnerPayment, PartnerRefund
from stream.wechat.bill.cells import COLUMNS
from stream.wechat.bill.rows import event_of
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent
from tests.wechat.bill.bills import APPID, MCHID, OPENID, PAYMENT, REFUND

PARTNER = {"特约商户号": "1900000009"}


def event(row: dict[str, str]) -> OutboundEvent:
    found = maybe(row)
    assert found is not None
    return found


def maybe(row: dict[str, str]) -> OutboundEvent | None:
    cells = {COLUMNS[name]: cell for name, cell in row.items() if name in COLUMNS}
    return event_of(cells)


def without(row: dict[str, str], *names: str) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if name not in names}


def test_a_payment_is_what_its_notification_says() -> None:
    found = event(PAYMENT)
    assert (found.topic, found.type) == ("wechat.pay", "payment.succeeded.v1")
    assert found.time.isoformat() == "2026-03-01T08:00:05+08:00"
    assert isinstance(found.data, DirectPayment)
    assert found.data.model_dump(mode="json", exclude_none=True) == {
        "appid": APPID,
        "mchid": MCHID,
        "payer": {"openid": OPENID},
        "transaction_id": "4200000000202603010000000001",
        "out_trade_no": "breakfast-0001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": "2026-03-01T00:00:05.000Z",
        "attach": "store-12",
        "amount": {"total": 1850, "payer_total": 1850, "currency": "CNY"},
        "scene_info": {"device_id": "till-7"},
        "promotion_detail": [],
    }


@pytest.mark.parametrize(
    ("order", "settled", "coupons", "paid"),
    [
        ("18.50", "10.00", "8.50", 1000),  # coupons which the merchant bears
        ("20.00", "8.00", "12.00", 800),
        ("1.50", "0.50", "1.00", 50),
        ("36.00", "36.00", "5.29", 3071),  # a prepaid one
        ("20.00", "17.00", "5.50", 1450),  # one of each: 3.00 and 2.50
        ("8.00", "0.00", "8.00", 0),
    ],
)
def test_the_payer_paid_the_order_less_all_coupons_whoever_bears_them(
    order: str, settled: str, coupons: str, paid: int
) -> None:
    amounts = {"订单金额": order, "应结订单金额": settled, "代金券金额": coupons}
    found: Any = event(PAYMENT | amounts).data
    assert found.amount.total == round(float(order) * 100)
    assert found.amount.payer_total == paid


@pytest.mark.parametrize(
    ("written", "kept"),
    [("JSAPI", "JSAPI"), ("FACE", "FACEPAY"), ("PALMPAY", "OTHER"), ("", "OTHER")],
)
def test_a_way_of_paying_that_is_new_is_kept_as_another(written: str, kept: str) -> None:
    found: Any = event(PAYMENT | {"交易类型": written}).data
    assert found.trade_type == kept


def test_bills_of_old_have_one_amount_and_other_names() -> None:
    row = without(
        PAYMENT, "订单金额", "应结订单金额", "代金券金额", "设备号", "商户数据包", "货币种类"
    )
    found: Any = event(row | {"总金额": "18.50", "企业红包金额": "0.50"}).data
    assert (found.amount.total, found.amount.payer_total) == (1850, 1800)
    assert found.attach is None
    assert found.scene_info is None


def test_what_decides_nothing_refuses_no_row() -> None:
    changes = {"商户订单号": "早餐 1", "商户数据包": "x" * 129, "设备号": "x" * 65}
    found: Any = event(PAYMENT | changes).data
    assert (found.out_trade_no, found.attach, found.scene_info.device_id) == (None, None, None)
    refund: Any = event(REFUND | {"商户订单号": "早餐 1", "商户退款单号": ""}).data
    assert (refund.out_trade_no, refund.out_refund_no) == (None, None)


def test_a_refund_names_no_person() -> None:
    found = event(REFUND | {"申请退款金额": "5.00", "退款金额": "4.00", "充值券退款金额": "1.50"})
    assert (found.topic, found.type) == ("wechat.pay", "refund.succeeded.v1")
    assert isinstance(found.data, DirectRefund)
    assert found.data.refund_id == REFUND["微信退款单号"]
    assert (found.data.amount.refund, found.data.amount.payer_refund) == (500, 250)
    assert OPENID not in found.data.model_dump_json()


def test_the_bill_of_refunds_says_when_the_money_was_back() -> None:
    found = event(
        REFUND | {"退款申请时间": "2026-03-02 10:00:00", "退款成功时间": "2026-03-02 10:00:03"}
    )
    assert found.time.isoformat() == "2026-03-02T10:00:03+08:00"
    assert event(REFUND).time.isoformat() == "2026-03-01T09:30:00+08:00"


@pytest.mark.parametrize("status", ["PROCESSING", "FAILED", "CHANGE", "SOMETHING_NEW", ""])
def test_a_refund_that_has_not_gone_through_is_none_yet(status: str) -> None:
    assert maybe(REFUND | {"退款状态": status}) is None


def test_a_revoked_payment_is_a_refund() -> None:
    assert event(REFUND | {"交易状态": "REVOKED"}).type == "refund.succeeded.v1"


def test_a_providers_rows_name_the_payer_within_its_own_app() -> None:
    payment = event(PAYMENT | PARTNER).data
    assert isinstance(payment, PartnerPayment)
    assert payment.origin == (APPID, OPENID)
    assert isinstance(event(REFUND | PARTNER).data, PartnerRefund)


@pytest.mark.parametrize(
    ("row", "changes", "problem"),
    [
        (PAYMENT, {"货币种类": "HKD"}, "货币种类 must be CNY"),
        (PAYMENT, {"交易状态": "USERPAYING"}, "交易状态 must be"),
        (PAYMENT, {"代金券金额": "18.51"}, "代金券金额 is above"),
        (PAYMENT, {"用户标识": "OPENID"}, r"\$.data.payer.openid: must be a real id"),
        (PAYMENT, {"交易时间": "yesterday"}, "交易时间 must be a time"),
        (PAYMENT, {"订单金额": "a lot"}, "订单金额 must be an amount"),
        (REFUND, {"微信退款单号": "0"}, "微信退款单号 is missing"),
        (REFUND, {"充值券退款金额": "4.01"}, "充值券退款金额 is above"),
        (REFUND, {"微信退款单号": "5030?"}, r"\$.data.refund_id"),
    ],
)
def test_what_cannot_be_is_rejected(
    row: dict[str, str], changes: dict[str, str], problem: str
) -> None:
    with pytest.raises(DeliveryRejected, match=problem):
        event(row | changes)
