# SPDX-License-Identifier: Apache-2.0
"""Decode: bytes and headers to an event, with the types of what is used checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, json

_Text = Annotated[str, Meta(min_length=1, max_length=128)]
_Fen = Annotated[int, Meta(ge=0)]


class _Origin(Struct):
    appid: _Text
    openid: _Text


class _Login(_Origin):
    unionid: _Text | None = None


class _CheckIn(_Origin):
    ticket_id: _Text
    unionid: _Text | None = None


class _Payer(Struct):
    openid: _Text


class _Paid(Struct):
    payer_total: _Fen


class _Payment(Struct):
    appid: _Text
    transaction_id: _Text
    success_time: datetime
    payer: _Payer
    amount: _Paid


class _PaidBack(Struct):
    payer_refund: _Fen


class _Refund(Struct):
    transaction_id: _Text
    refund_id: _Text
    amount: _PaidBack


class Event(NamedTuple):
    """``touchpoint`` is empty for a refund, ``appid`` and ``openid`` too."""

    id: str
    touchpoint: str
    time_ms: int
    appid: str
    openid: str
    unionid: str | None
    transaction: str
    fen: int


_DECODERS: dict[bytes, tuple[str, json.Decoder[Any]]] = {
    b"session.logged_in.v1": ("login", json.Decoder(_Login)),
    b"page.viewed.v1": ("page_view", json.Decoder(_Origin)),
    b"product.viewed.v1": ("product_view", json.Decoder(_Origin)),
    b"attendee.checked_in.v1": ("check_in", json.Decoder(_CheckIn)),
    b"account.followed.v1": ("follow", json.Decoder(_Origin)),
    b"payment.succeeded.v1": ("purchase", json.Decoder(_Payment)),
    b"refund.succeeded.v1": ("", json.Decoder(_Refund)),
}


def decode(value: bytes, headers: Mapping[str, bytes]) -> Event:
    """Raises ``KeyError``, ``ValueError`` or ``msgspec.ValidationError`` for anything else."""
    touchpoint, decoder = _DECODERS[headers["ce_type"]]
    data = decoder.decode(value)
    id_ = headers["ce_id"].decode()
    if touchpoint == "purchase":
        time_ms = int(data.success_time.timestamp() * 1000)
        paid = data.amount.payer_total
        return Event(
            id_, touchpoint, time_ms, data.appid, data.payer.openid, None, data.transaction_id, paid
        )
    time = datetime.fromisoformat(headers["ce_time"].decode())
    time_ms = int(time.timestamp() * 1000)
    if not touchpoint:
        back = data.amount.payer_refund
        return Event(id_, "", time_ms, "", "", None, data.transaction_id, back)
    return Event(
        id_, touchpoint, time_ms, data.appid, data.openid, getattr(data, "unionid", None), "", 0
    )
