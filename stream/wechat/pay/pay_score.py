# SPDX-License-Identifier: Apache-2.0
"""Translates payments after use (支付分): ``PAYSCORE.USER_PAID``.

One service order may be paid in several parts; each that went through WeChat Pay has a
``transaction_id``, which its refunds name. What a merchant collected otherwise has none. Source:
apis/weixin-pay-score/success-notification; fields as in the query of a service order.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from schemas.pay import PAYMENT_SUCCEEDED
from stream.wechat.delivery_result import DeliveryAccepted, OutboundEvent
from stream.wechat.event_builder import checked, event, payment_id, trade_type
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import Fields, extract, fen, list_of, stripped, timestamp, verbatim
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.payments import CNY, DETAILS, PROMOTION

USER_PAID = "PAYSCORE.USER_PAID"

_ORDER: Fields = MappingProxyType(
    {
        "appid": stripped,
        "mchid": stripped,
        "openid": stripped,
        "sub_appid": stripped,
        "sub_mchid": stripped,
        "sub_openid": stripped,
        "attach": verbatim,
    }
)
_PART: Fields = MappingProxyType(
    {
        "transaction_id": stripped,
        "amount": fen,
        "paid_time": timestamp,
        "promotion_detail": list_of(PROMOTION),
    }
)


def read_pay_score(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``payscore``."""
    collection = notification.data.get("collection")
    parts = collection.get("details") if type(collection) is dict else None
    if notification.event_type != USER_PAID or type(parts) is not list:
        return DeliveryAccepted(kind_of(notification.event_type))
    parties = _parties(extract(notification.data, _ORDER))
    read = (extract(part, _PART) for part in parts if type(part) is dict)
    paid = tuple(_payment(parties, part) for part in read if part.get("transaction_id"))
    return DeliveryAccepted(Kind.PAY_SCORE_PAYMENT if paid else Kind.PAY_SCORE, paid)


def _parties(order: dict[str, Any]) -> dict[str, Any]:
    """Payer and merchant, in the form of any other payment."""
    openid, sub_openid = order.pop("openid", None), order.pop("sub_openid", None)
    if "sub_mchid" not in order:
        order.pop("sub_appid", None)
        return {**order, "payer": {"openid": openid}}
    provider = {"sp_appid": order.pop("appid", None), "sp_mchid": order.pop("mchid", None)}
    return {**order, **provider, "payer": {"sp_openid": openid, "sub_openid": sub_openid}}


def _payment(parties: dict[str, Any], part: dict[str, Any]) -> OutboundEvent:
    amount, promotions = part.get("amount"), part.get("promotion_detail")
    data = {
        **parties,
        "transaction_id": part["transaction_id"],
        "trade_type": trade_type(None),
        "trade_state": "SUCCESS",
        "success_time": part.get("paid_time"),
        "amount": {
            "total": amount,
            "payer_total": _less_coupons(amount, promotions),
            "currency": CNY,
        },
        "promotion_detail": promotions,
    }
    present = {name: value for name, value in data.items() if value is not None}
    model: Any = checked(PAYMENT_SUCCEEDED, present, DETAILS)
    return event(PAYMENT_SUCCEEDED, payment_id(model.transaction_id), model.success_time, model)


def _less_coupons(amount: Any, promotions: Any) -> Any:
    """What the payer paid: the amount less all coupons that can be read."""
    if type(amount) is not int or type(promotions) is not list:
        return amount
    coupons = (item.get("amount") for item in promotions if type(item) is dict)
    return max(0, amount - sum(fen for fen in coupons if type(fen) is int and fen > 0))
