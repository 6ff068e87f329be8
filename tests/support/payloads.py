# SPDX-License-Identifier: Apache-2.0
"""What source events hold, as plain data, and the structured form in which anybody publishes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from schemas import format_time, time_from_ms

MERCHANT = "1900000001"
MALL = "1528064319"

#: An instant: ms, or in words.
Instant = int | str | datetime


def text_of(at: Instant) -> str:
    """An instant as it is on the wire."""
    if isinstance(at, str):
        return at
    return format_time(time_from_ms(at) if isinstance(at, int) else at)


def document(
    type_: str, id_: str, at: Instant, data: object, source: str = "urn:test"
) -> dict[str, Any]:
    """A structured event."""
    attributes = {"specversion": "1.0", "id": id_, "source": source, "type": type_}
    return {**attributes, "time": text_of(at), "data": data}


def structured(type_: str, id_: str, at: Instant, data: object, source: str = "urn:test") -> bytes:
    """The same as JSON."""
    return orjson.dumps(document(type_, id_, at, data, source))


def payment(
    at: Instant,
    transaction: str,
    openid: str,
    fen: int,
    payer_fen: int | None = None,
    *,
    appid: str = "wxmp",
    mchid: str = MERCHANT,
    trade: str = "",
) -> dict[str, Any]:
    """A payment of ``fen``, of which the payer paid less if coupons did the rest."""
    return {
        "appid": appid, "mchid": mchid, "payer": {"openid": openid}, "transaction_id": transaction,
        "out_trade_no": trade or f"no-{transaction}", "trade_type": "JSAPI",
        "trade_state": "SUCCESS", "success_time": text_of(at),
        "amount": {"total": fen, "payer_total": fen if payer_fen is None else payer_fen},
    }  # fmt: skip


def refund(
    at: Instant,
    transaction: str,
    refund_id: str,
    fen: int,
    payer_fen: int | None = None,
    *,
    of_fen: int = 10_000,
    mchid: str = MERCHANT,
    trade: str = "",
) -> dict[str, Any]:
    """A refund of ``fen`` of a payment of ``of_fen``."""
    back = {"refund": fen, "payer_refund": fen if payer_fen is None else payer_fen}
    return {
        "mchid": mchid,
        "transaction_id": transaction,
        "out_trade_no": trade or f"no-{transaction}",
        "refund_id": refund_id,
        "out_refund_no": f"out-{refund_id}",
        "refund_status": "SUCCESS",
        "success_time": text_of(at),
        "amount": {"total": of_fen, "payer_total": of_fen, **back},
    }


def mall_payment(
    at: Instant, transaction: str, openid: str, fen: int, appid: str = "wxmp"
) -> dict[str, Any]:
    """A payment as a mall reports it."""
    who = {"appid": appid, "openid": openid, "mchid": MALL}
    return {**who, "transaction_id": transaction, "amount": fen, "time_end": text_of(at)}


def shop_payment(
    at: Instant, transaction: str, openid: str, fen: int, unionid: str = "", appid: str = "wxshop"
) -> dict[str, Any]:
    """A payment for an order of a shop, as the resolver reads it."""
    who = {"appid": appid, "openid": openid} | ({"unionid": unionid} if unionid else {})
    order = {"order_id": f"no-{transaction}", "transaction_id": transaction}
    return {**who, **order, "paid_at": text_of(at), "paid_fen": fen}


def shop_refund(
    at: Instant, transaction: str, refund_id: str, fen: int, appid: str = "wxshop"
) -> dict[str, Any]:
    """A refund by a shop."""
    order = {"appid": appid, "order_id": f"no-{transaction}", "transaction_id": transaction}
    return {**order, "refund_id": refund_id, "refunded_at": text_of(at), "refunded_fen": fen}
