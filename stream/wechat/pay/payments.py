# SPDX-License-Identifier: Apache-2.0
"""Translates payments: direct, through a service provider, combined, cross-border, parking.

Sources: WeChat Pay v3 documents 4012791836 (direct), 4012085146 (partner), 4012284311 (parking),
combine-payment/orders/payment-notice (combined), api_external chapter3_2_11 (other countries).
WeChat sends no notification when a till scans the shopper's code (MICROPAY): the till reports those
payments.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from schemas.pay import PAYMENT_SUCCEEDED
from stream.wechat.delivery_result import (
    DeliveryAccepted,
    DeliveryRejected,
    OutboundEvent,
    RejectReason,
)
from stream.wechat.event_builder import checked, event, payment_id, trade_type
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import (
    Fields,
    extract,
    fen,
    list_of,
    object_of,
    one_of,
    stripped,
    timestamp,
    verbatim,
)
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant

SUCCESS = "TRANSACTION.SUCCESS"
CNY = "CNY"

#: The other states of an order; a refunded payment has its own refund notification.
NOT_MADE = ("REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "ACCEPT", "PAY_FAIL")

_AMOUNT: Fields = MappingProxyType(
    {"total": fen, "payer_total": fen, "currency": stripped, "payer_currency": stripped}
)
_GOODS: Fields = MappingProxyType(
    {
        "goods_id": verbatim,
        "quantity": stripped,
        "unit_price": fen,
        "discount_amount": fen,
        "goods_remark": verbatim,
    }
)
PROMOTION: Fields = MappingProxyType(
    {
        "coupon_id": stripped,
        "amount": fen,
        "name": verbatim,
        "scope": one_of("GLOBAL", "SINGLE"),
        "type": one_of("CASH", "NOCASH"),  # parking has DISCOUNT
        "stock_id": stripped,
        "wechatpay_contribute": fen,
        "merchant_contribute": fen,
        "other_contribute": fen,
        "currency": stripped,
        "goods_detail": list_of(_GOODS),
    }
)
_ORDER = {
    "transaction_id": stripped,
    "out_trade_no": stripped,
    "trade_state": stripped,
    "trade_state_desc": verbatim,
    "bank_type": stripped,
    "attach": verbatim,
    "success_time": timestamp,
    "amount": object_of(_AMOUNT),
    "scene_info": object_of({"device_id": stripped}),
    "promotion_detail": list_of(PROMOTION),
}
#: Fields of which as much is kept as can be read.
DETAILS: Final = frozenset(
    {
        "out_trade_no",
        "trade_state_desc",
        "bank_type",
        "attach",
        "scene_info",
        "promotion_detail",
    }
)
_DIRECT: Fields = MappingProxyType(
    {**_ORDER, "appid": stripped, "mchid": stripped, "payer": object_of({"openid": stripped})}
)
_PARTNER: Fields = MappingProxyType(
    {
        **_ORDER,
        "sp_appid": stripped,
        "sp_mchid": stripped,
        "sub_appid": stripped,
        "sub_mchid": stripped,
        "payer": object_of({"sp_openid": stripped, "sub_openid": stripped}),
    }
)


def read_payment(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``transaction``."""
    data = notification.data
    if "receiver" in data:  # profit sharing has the same types, and no payer
        return DeliveryAccepted(Kind.PROFIT_SHARING)
    if notification.event_type != SUCCESS:
        return DeliveryAccepted(kind_of(notification.event_type))
    if "combine_appid" in data or "sub_orders" in data:
        return _combined(data)
    if stripped(data.get("trade_scene")) == "PARKING":
        return _parking(data)
    if "payer" not in data and "amount" not in data:  # other products have the same types
        return DeliveryAccepted(Kind.NO_PAYMENT)
    return _accepted(Kind.PARTNER_PAYMENT if "sp_mchid" in data else Kind.PAYMENT, [_single(data)])


def _accepted(kind: Kind, orders: list[OutboundEvent | Kind]) -> DeliveryAccepted:
    """The orders that were paid in CNY; if none was, the kind says why."""
    events = tuple(order for order in orders if isinstance(order, OutboundEvent))
    skipped = [order for order in orders if isinstance(order, Kind)]
    return DeliveryAccepted(kind if events else skipped[0], events)


def _single(data: dict[str, Any]) -> OutboundEvent | Kind:
    if "sp_mchid" in data:
        return _order(_as_partner(data), _PARTNER)
    return _order(data, _DIRECT)


def _order(source: Any, fields: Fields) -> OutboundEvent | Kind:
    order = extract(_with_transaction_id(source), fields)
    if type(order) is dict:
        order["trade_type"] = trade_type(stripped(source.get("trade_type")))
        if order.get("trade_state") in NOT_MADE:
            return Kind.PAYMENT_NOT_MADE
        amount = order.get("amount")
        if type(amount) is dict:
            order["amount"] = in_fen(amount, "total")
            if order["amount"] is None:
                return Kind.FOREIGN_CURRENCY
            if order["amount"] is not amount:  # the price, and so its coupons, are not in fen
                order.pop("promotion_detail", None)
    model: Any = checked(PAYMENT_SUCCEEDED, order, DETAILS)
    return event(PAYMENT_SUCCEEDED, payment_id(model.transaction_id), model.success_time, model)


def _with_transaction_id(source: Any) -> Any:
    """Cross-border payments have an ``id``, and other field names in coupons."""
    if type(source) is not dict or "transaction_id" in source or "id" not in source:
        return source
    rest = {name: value for name, value in source.items() if name != "promotion_detail"}
    return {**rest, "transaction_id": source["id"]}


def in_fen(amount: dict[str, Any], *prices: str) -> dict[str, Any] | None:
    """``amount`` in fen of CNY, or ``None`` if the payer paid in another currency.

    If only the price (the ``prices`` fields) is in another currency, the ``payer_…`` field of each
    replaces it: the price in fen is not known.
    """
    priced = amount.get("currency", CNY)
    paid = amount.get("payer_currency", priced)
    if type(paid) is str and paid != CNY:
        return None
    if priced == CNY or type(priced) is not str:
        return amount
    shares = {name: amount[f"payer_{name}"] for name in prices if f"payer_{name}" in amount}
    return {**amount, **shares, "currency": CNY}


def _as_partner(data: dict[str, Any]) -> dict[str, Any]:
    """Some partner notifications have the provider's ids as ``appid`` and ``openid``."""
    payer = data.get("payer")
    if type(payer) is dict and not payer.get("sp_openid"):
        payer = {**payer, "sp_openid": payer.get("openid")}
    return {**data, "sp_appid": data.get("sp_appid", data.get("appid")), "payer": payer}


def _parking(data: dict[str, Any]) -> DeliveryAccepted:
    """An automatic parking payment, without ``trade_type``; the payer may be left out."""
    if not data.get("payer") or not data.get("transaction_id"):
        return DeliveryAccepted(Kind.PARKING_INCOMPLETE)
    data = {**data, "trade_type": data.get("trade_type") or "PAP"}
    return _accepted(Kind.PARKING_PAYMENT, [_single(data)])


def _combined(data: dict[str, Any]) -> DeliveryAccepted:
    """One payment for several orders, perhaps of several merchants: one event for each order."""
    orders = data.get("sub_orders")
    if type(orders) is not list or not orders:
        raise DeliveryRejected(
            RejectReason.MALFORMED, "$.sub_orders must be an array with an order."
        )
    return _accepted(Kind.COMBINE_PAYMENT, [_order(_alone(data, sub), _DIRECT) for sub in orders])


def _alone(data: dict[str, Any], sub: Any) -> Any:
    """A sub-order in the form of a single payment."""
    if type(sub) is not dict:
        return sub
    amount = sub.get("amount")
    if type(amount) is dict:
        total, paid = amount.get("total_amount"), amount.get("payer_amount")
        amount = {**amount, "total": total, "payer_total": paid}
    return {
        **sub,
        "appid": data.get("combine_appid"),
        "mchid": sub.get("sub_mchid") or sub.get("mchid"),
        "payer": data.get("combine_payer_info"),
        "scene_info": data.get("scene_info"),
        "amount": amount,
    }
