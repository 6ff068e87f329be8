"""Payments: direct, through a service provider, combined, in other countries, for parking.

Sources: WeChat Pay v3 documents 4012791836 (direct), 4012085146 (partner), 4012284311 (parking),
combine-payment/orders/payment-notice (combined), api_external chapter3_2_11 (other countries).
There is no notification for a code which the shopper showed at a till (MICROPAY): the till reports
those payments.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from schemas.pay import PAYMENT_SUCCEEDED
from stream.wechat.heard import Heard, NotHeard, Outgoing, Refusal
from stream.wechat.outgoing import checked, event, payment_id
from stream.wechat.pay.envelope import Notice
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.picking import Fields, fen, moment, one_of, part, parts, pick, text, word

SUCCESS = "TRANSACTION.SUCCESS"
CNY = "CNY"

#: The other states of an order; a payment which was made and then given back has its refund.
NOT_MADE = ("REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "ACCEPT", "PAY_FAIL")

_AMOUNT: Fields = MappingProxyType(
    {"total": fen, "payer_total": fen, "currency": word, "payer_currency": word}
)
_GOODS: Fields = MappingProxyType(
    {
        "goods_id": text,
        "quantity": word,
        "unit_price": fen,
        "discount_amount": fen,
        "goods_remark": text,
    }
)
_PROMOTION: Fields = MappingProxyType(
    {
        "coupon_id": word,
        "amount": fen,
        "name": text,
        "scope": one_of("GLOBAL", "SINGLE"),
        "type": one_of("CASH", "NOCASH"),  # parking has DISCOUNT
        "stock_id": word,
        "wechatpay_contribute": fen,
        "merchant_contribute": fen,
        "other_contribute": fen,
        "currency": word,
        "goods_detail": parts(_GOODS),
    }
)
_ORDER = {
    "transaction_id": word,
    "out_trade_no": word,
    "trade_type": word,
    "trade_state": word,
    "trade_state_desc": text,
    "bank_type": word,
    "attach": text,
    "success_time": moment,
    "amount": part(_AMOUNT),
    "scene_info": part({"device_id": word}),
    "promotion_detail": parts(_PROMOTION),
}
_DIRECT: Fields = MappingProxyType(
    {**_ORDER, "appid": word, "mchid": word, "payer": part({"openid": word})}
)
_PARTNER: Fields = MappingProxyType(
    {
        **_ORDER,
        "sp_appid": word,
        "sp_mchid": word,
        "sub_appid": word,
        "sub_mchid": word,
        "payer": part({"sp_openid": word, "sub_openid": word}),
    }
)


def read_payment(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``transaction`` comes to."""
    data = notice.data
    if "receiver" in data:  # profit sharing goes by the same names, and has no payer
        return Heard(Kind.PROFIT_SHARING)
    if notice.event_type != SUCCESS:
        return Heard(kind_of(notice.event_type))
    if "combine_appid" in data or "sub_orders" in data:
        return _combined(data)
    if word(data.get("trade_scene")) == "PARKING":
        return _parking(data)
    return _heard(Kind.PARTNER_PAYMENT if "sp_mchid" in data else Kind.PAYMENT, [_single(data)])


def _heard(kind: Kind, orders: list[Outgoing | Kind]) -> Heard:
    """Of several orders those which were paid in CNY; of none, why not."""
    events = tuple(order for order in orders if isinstance(order, Outgoing))
    refusals = [order for order in orders if isinstance(order, Kind)]
    return Heard(kind if events else refusals[0], events)


def _single(data: dict[str, Any]) -> Outgoing | Kind:
    if "sp_mchid" in data:
        return _order(_as_partner(data), _PARTNER)
    return _order(data, _DIRECT)


def _order(source: Any, fields: Fields) -> Outgoing | Kind:
    order = pick(_named_as_here(source), fields)
    if type(order) is dict:
        if order.get("trade_state") in NOT_MADE:
            return Kind.PAYMENT_NOT_MADE
        amount = order.get("amount")
        if type(amount) is dict:
            order["amount"] = in_fen(amount, "total")
            if order["amount"] is None:
                return Kind.FOREIGN_CURRENCY
            if order["amount"] is not amount:  # the price, and so its coupons, are not in fen
                order.pop("promotion_detail", None)
    model: Any = checked(PAYMENT_SUCCEEDED, order)
    return event(PAYMENT_SUCCEEDED, payment_id(model.transaction_id), model.success_time, model)


def _named_as_here(source: Any) -> Any:
    """Payments in other countries have an ``id``, and coupons of other names."""
    if type(source) is not dict or "transaction_id" in source or "id" not in source:
        return source
    rest = {name: value for name, value in source.items() if name != "promotion_detail"}
    return {**rest, "transaction_id": source["id"]}


def in_fen(amount: dict[str, Any], *prices: str) -> dict[str, Any] | None:
    """``amount`` in fen of CNY, or ``None`` if the payer paid in another currency.

    Where only the price is in another currency (its ``prices`` fields), the payer's share, the
    ``payer_…`` field of each, stands for it: the price in fen is not known.
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
    """Some partner notifications write ``appid`` and ``openid`` for those of the provider."""
    payer = data.get("payer")
    if type(payer) is dict and "sp_openid" not in payer:
        payer = {**payer, "sp_openid": payer.get("openid")}
    return {**data, "sp_appid": data.get("sp_appid", data.get("appid")), "payer": payer}


def _parking(data: dict[str, Any]) -> Heard:
    """An agreed deduction at a barrier, told without ``trade_type``; the payer may be left out."""
    if not data.get("payer") or not data.get("transaction_id"):
        return Heard(Kind.PARKING_INCOMPLETE)
    data = {**data, "trade_type": data.get("trade_type") or "PAP"}
    return _heard(Kind.PARKING_PAYMENT, [_single(data)])


def _combined(data: dict[str, Any]) -> Heard:
    """One payment for several orders, perhaps of several merchants: one event for each order."""
    orders = data.get("sub_orders")
    if type(orders) is not list or not orders:
        raise NotHeard(Refusal.MALFORMED, "$.sub_orders must be an array with an order.")
    return _heard(Kind.COMBINE_PAYMENT, [_order(_alone(data, sub), _DIRECT) for sub in orders])


def _alone(data: dict[str, Any], sub: Any) -> Any:
    """A sub-order as if it had been paid by itself."""
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
