# SPDX-License-Identifier: Apache-2.0
"""Turns a row of a bill into the same event as the live notification of that payment or refund.

Amounts (WeChat's description of the format, and v3 documents 4012791836, 4012791865):

    bill                                             event
    订单金额  total                                   amount.total
    订单金额 - 代金券金额  total - coupon               amount.payer_total
    申请退款金额  refund                              amount.refund
    退款金额 - 充值券退款金额                           amount.payer_refund

代金券金额 has all coupons, whoever paid for them. 应结订单金额 is the order less the coupons that
the merchant bears (免充值券); nothing here needs it. 退款金额 is without the merchant's share
already, so 充值券退款金额 has the prepaid coupons alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.pay import PAYMENT_SUCCEEDED, REFUND_SUCCEEDED
from stream.wechat.bill.cells import NAMES, fen_of, moment_of, refuse
from stream.wechat.delivery_result import OutboundEvent
from stream.wechat.event_builder import checked, event, payment_id, refund_id, trade_type

_DETAILS: Final = frozenset({"out_trade_no", "out_refund_no", "attach", "scene_info"})

#: Cells by our names of their columns; a column that the bill does not have is absent.
Cells = Mapping[str, str]


def event_of(cells: Cells) -> OutboundEvent | None:
    """The event, ``None`` if no money has moved yet; raises `DeliveryRejected`."""
    if cells.get("currency", "CNY") != "CNY":
        refuse("货币种类 must be CNY; points are earned on yuan alone.")
    state = cells["trade_state"]
    if state == "SUCCESS":
        return _payment(cells)
    if state in ("REFUND", "REVOKED"):
        return _refund(cells)
    refuse("交易状态 must be SUCCESS, REFUND or REVOKED.")


def _payment(cells: Cells) -> OutboundEvent:
    total, coupons = _fen(cells, "total"), _fen(cells, "coupon")
    if coupons > total:
        refuse("代金券金额 is above 订单金额.")
    time = moment_of(cells["time"], "交易时间")
    data = _order(cells) | {
        "trade_type": trade_type(cells["trade_type"]),
        "trade_state": "SUCCESS",
        "attach": cells.get("attach") or None,
        "success_time": time,
        "amount": {"total": total, "payer_total": total - coupons, "currency": "CNY"},
        "scene_info": {"device_id": cells["device_id"]} if cells.get("device_id") else None,
    }
    data |= _payer(cells)
    model = checked(PAYMENT_SUCCEEDED, data, _DETAILS)
    return event(PAYMENT_SUCCEEDED, payment_id(cells["transaction_id"]), time, model)


def _payer(cells: Cells) -> dict[str, Any]:
    """The fields of payer and merchant.

    A provider's bill has the payer's openid in the provider's app. The live notification may also
    have the one in the merchant's own app; the engine then knows that both are one payer.
    """
    if sub_mchid := _sub_mchid(cells):
        return {
            "sp_appid": cells["appid"],
            "sp_mchid": cells["mchid"],
            "sub_mchid": sub_mchid,
            "payer": {"sp_openid": cells["openid"]},
        }
    payer = {"openid": cells["openid"]}
    return {"appid": cells["appid"], "mchid": cells["mchid"], "payer": payer}


def _refund(cells: Cells) -> OutboundEvent | None:
    """A refund, dated by its success; a bill of all kinds has only the time of the request.

    A refund's row has no order amount (0.00), so ``total`` is at least the refunded amount.
    """
    if not cells.get("refund_id", "0").strip("0"):
        refuse("微信退款单号 is missing, so the refund cannot be identified.")
    if cells.get("refund_status") != "SUCCESS":
        return None
    settled, coupon = _fen(cells, "refund_settled"), _fen(cells, "refund_coupon")
    if coupon > settled:
        refuse("充值券退款金额 is above 退款金额.")
    refund = _fen(cells, "refund") if "refund" in cells else settled
    when = cells.get("refunded_at") or cells.get("refund_asked_at") or cells["time"]
    time = moment_of(when, "The refund's time")
    parties = {"mchid": cells["mchid"]}
    if sub := _sub_mchid(cells):
        parties = {"sp_mchid": cells["mchid"], "sub_mchid": sub}
    total = _fen(cells, "total")
    data = _order(cells) | {
        **parties,
        "refund_id": cells["refund_id"],
        "out_refund_no": cells.get("out_refund_no") or None,
        "refund_status": "SUCCESS",
        "success_time": time,
        "amount": {
            "total": max(total, refund),
            "refund": refund,
            "payer_total": max(total, settled - coupon),
            "payer_refund": settled - coupon,
            "currency": "CNY",
        },
    }
    model = checked(REFUND_SUCCEEDED, data, _DETAILS)
    return event(REFUND_SUCCEEDED, refund_id(cells["refund_id"]), time, model)


def _order(cells: Cells) -> dict[str, Any]:
    return {name: cells[name] for name in ("transaction_id", "out_trade_no")}


def _sub_mchid(cells: Cells) -> str:
    """The merchant of a service provider; bills write 0 where there is none."""
    return cells.get("sub_mchid", "").strip("0") and cells["sub_mchid"]


def _fen(cells: Cells, name: str) -> int:
    return fen_of(cells[name], NAMES[name]) if name in cells else 0
