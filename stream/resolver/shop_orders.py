# SPDX-License-Identifier: Apache-2.0
"""Read the detail of a shop's order or after-sale: what was paid and by whom, or why nothing. Pure.

Pages: shop/API/channels-shop-order/api_getorder, channels-shop-aftersale/aftersale/
api_getaftersaleorder. WeChat documents numbers of orders as integers and as strings, beyond 2^53;
orjson reads both exactly. Names, addresses and phone numbers in the detail are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas import parse_time, time_from_ms
from schemas.base import FEN_MAX
from schemas.order_lines import LINES_MAX
from schemas.shop import ShopOrderPaid, ShopOrderRefunded
from stream.resolver.api_replies import person_id
from stream.resolver.lookup_results import LookupOutcome

#: payment_method 1. 2 pays later (its pay_time is a promise), 3 is a draw, 4 costs points.
_WECHAT_PAY: Final = "1"
#: Status of an order that was cancelled as a whole; usually nobody has paid for it.
_CANCELLED: Final = 250
#: Others are open or refused, or an exchange (MERCHANT_EXCHANGE_SUCCESS).
_REFUNDED: Final = frozenset({"MERCHANT_REFUND_SUCCESS", "MERCHANT_RETURN_SUCCESS"})

_SECONDS_END: Final = 10**10
_digits = re.compile("[0-9]{1,20}").fullmatch
_Object = Mapping[str, Any]
_NOTHING: Final[_Object] = {}


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """What was paid for an order, and what went back when WeChat cancelled it."""

    paid: ShopOrderPaid
    refunded: ShopOrderRefunded | None = None


@dataclass(frozen=True, slots=True)
class AfterSale:
    """An after-sale that has given money back."""

    refund_id: str
    order_id: str
    refunded_at: datetime
    refunded_fen: int

    def of(self, paid: ShopOrderPaid) -> ShopOrderRefunded:
        """Its refund, of the payment for its order."""
        return ShopOrderRefunded(
            appid=paid.appid,
            order_id=paid.order_id,
            transaction_id=paid.transaction_id,
            refund_id=self.refund_id,
            refunded_at=self.refunded_at,
            refunded_fen=self.refunded_fen,
        )


def number(value: object) -> str | None:
    """The number of an order: an integer, or a string of digits; ``None`` for anything else."""
    written = str(value).strip() if type(value) in (int, str) else ""
    return written if _digits(written) else None


def read_order(body: _Object, appid: str, order_id: str) -> PaidOrder | LookupOutcome:
    """From a reply of order/get: the payment for that order, or why there is none.

    Without ``transaction_id`` there is none: the order might be counted again under the id that
    WeChat gives later, or that WeChat Pay reports.
    """
    order = _object(body, "order")
    detail = _object(order, "order_detail")
    pay, price = _object(detail, "pay_info"), _object(detail, "price_info")
    fen = _integer(price.get("order_price"))
    if number(order.get("order_id")) != order_id or not detail:
        return LookupOutcome.UNREADABLE
    if number(pay.get("payment_method", _WECHAT_PAY)) != _WECHAT_PAY or fen == 0:
        return LookupOutcome.NO_PURCHASE
    if not pay.get("pay_time"):
        return LookupOutcome.UNPAID
    if not pay.get("transaction_id"):
        return LookupOutcome.NO_TRANSACTION
    openid, unionid = _payer(order)
    paid = {
        "appid": appid,
        "openid": openid,
        "unionid": unionid,
        "order_id": order_id,
        "transaction_id": pay["transaction_id"],
        "paid_at": _time(pay["pay_time"]),
        "paid_fen": fen,
        "lines": tuple(_lines(detail)),
    }
    try:
        payment = ShopOrderPaid.model_validate(paid)
        if order.get("status") != _CANCELLED:
            return PaidOrder(payment)
        cancelled_at = _time(order.get("update_time")) or payment.paid_at
        return PaidOrder(
            payment, AfterSale(order_id, order_id, cancelled_at, payment.paid_fen).of(payment)
        )
    except ValidationError:
        return LookupOutcome.UNREADABLE


def read_after_sale(body: _Object, after_sale_id: str) -> AfterSale | LookupOutcome:
    """From a reply of getaftersaleorder: the refund, or why there is none (yet)."""
    sale = _object(body, "after_sale_order")
    status = sale.get("status")
    if number(sale.get("after_sale_order_id")) != after_sale_id or type(status) is not str:
        return LookupOutcome.UNREADABLE
    if status not in _REFUNDED:
        return LookupOutcome.NO_REFUND
    order_id, refund = number(sale.get("order_id")), _object(sale, "refund_info")
    fen = _integer(refund.get("amount"))
    at = _time(sale.get("complete_time")) or _time(sale.get("update_time"))
    if order_id is None or fen is None or at is None:
        return LookupOutcome.UNREADABLE
    return AfterSale(after_sale_id, order_id, at, fen) if fen else LookupOutcome.NO_REFUND


def _payer(order: _Object) -> tuple[str | None, str | None]:
    """``(openid, Union ID)`` of who paid. In a gift the order belongs to who receives it."""
    giver = "present_giver_" if order.get("is_present") or order.get("present_giver_openid") else ""
    return person_id(order.get(f"{giver}openid")), person_id(order.get(f"{giver}unionid"))


def _lines(detail: _Object) -> Iterator[dict[str, object]]:
    """The lines, as far as they can be read; ``real_price`` is what was paid for all pieces."""
    found = detail.get("product_infos")
    for product in found[:LINES_MAX] if type(found) is list else ():
        if type(product) is not dict:
            continue
        quantity, unit_fen = _integer(product.get("sku_cnt")), _integer(product.get("sale_price"))
        fen = _integer(product.get("real_price"))
        if fen is None and quantity is not None and unit_fen is not None:
            fen = unit_fen * quantity
        yield {
            "product_id": number(product.get("product_id")),
            "sku_id": number(product.get("sku_id")),
            "quantity": quantity,
            "price_fen": fen,
        }


def _object(within: _Object, name: str) -> _Object:
    found = within.get(name)
    return found if type(found) is dict else _NOTHING


def _integer(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= FEN_MAX else None


def _time(value: object) -> datetime | None:
    """Seconds since 1970, of a day that contracts take."""
    if type(value) is not int or not 0 < value < _SECONDS_END:
        return None
    try:
        return parse_time(time_from_ms(value * 1000))
    except ValueError:
        return None
