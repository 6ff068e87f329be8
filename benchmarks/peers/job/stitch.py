# SPDX-License-Identifier: Apache-2.0
"""Stitch: who is it? One value is looked up for each event, some are written back."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.peers.job.decode import Event
from benchmarks.peers.job.rules import APPS
from benchmarks.peers.job.state import Bind, Message, Payment, Touch, dump, load_payment


class Stitched(NamedTuple):
    """Messages to accounts, and what to keep under which key."""

    messages: list[Message]
    writes: list[tuple[str, bytes]]


def key_of(event: Event) -> str:
    """What to look up: the payment of a refund, else who the origin is."""
    if not event.touchpoint:
        return f"t:{event.transaction}"
    return f"o:origin.{event.appid}.{event.openid}"


def stitch(event: Event, stored: bytes | None) -> Stitched:
    """``stored`` is what is kept under ``key_of(event)``; raises ``LookupError`` for a refund of
    a payment which is not known."""
    if not event.touchpoint:
        return _refund(event, stored)
    origin = f"origin.{event.appid}.{event.openid}"
    messages: list[Message] = []
    writes = []
    union = stored.decode() if stored else ""
    if event.unionid and not union:
        union = f"union.{APPS[event.appid]}.{event.unionid}"
        writes.append((f"o:{origin}", union.encode()))
        messages.append(Bind(origin, event.id, union))
    touch = Touch(union or origin, event.id, origin, event.touchpoint, event.time_ms)
    if event.transaction:
        touch.fen_after = event.fen
        payment = Payment(origin, event.time_ms, event.fen)
        writes.append((f"t:{event.transaction}", dump(payment)))
    messages.append(touch)
    return Stitched(messages, writes)


def _refund(event: Event, stored: bytes | None) -> Stitched:
    if stored is None:
        raise LookupError("a refund before its payment")
    payment = load_payment(stored)
    before, payment.fen = payment.fen, payment.fen - event.fen
    origin = payment.origin  # if it has been bound, its account sends this on
    touch = Touch(
        origin, event.id, origin, "purchase", payment.time_ms, before, payment.fen, again=True
    )
    return Stitched([touch], [(f"t:{event.transaction}", dump(payment))])
