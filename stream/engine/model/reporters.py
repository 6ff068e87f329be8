# SPDX-License-Identifier: Apache-2.0
"""Who reports a payment: WeChat to the shop, WeChat to a mall, or a till; the first is surest.

A reporter is stored as a few bytes: its kind, and a marker of the event's ``source``. WeChat's own
notifications to the merchant through our gateway, which are the most, have no bytes.
"""

from __future__ import annotations

from typing import Final

from schemas import Event
from schemas.registry import SOURCE_OF
from schemas.source import Reporter as Kind
from stream.engine.model.ids import marker

__all__ = ["Kind", "are_independent", "kind_of", "reporter_of"]

_MARK_BYTES: Final = 4


def reporter_of(event: Event) -> bytes:
    """Who reports this payment."""
    speaker = _speaker(event.source)
    client = speaker[:1] == ["client"]
    kind = Kind.TILL if client else SOURCE_OF[event.type].reporter(event.data)
    if kind is Kind.MERCHANT and speaker == ["gateway"]:
        return b""
    return bytes([kind]) + marker(event.source)[:_MARK_BYTES]


def kind_of(reporter: bytes) -> Kind:
    """What kind of reporter it is."""
    return Kind(reporter[0]) if reporter else Kind.MERCHANT


def are_independent(one: bytes, other: bytes) -> bool:
    """Whether they are the shop and a mall, by two sources.

    WeChat itself told each of them who paid, in an app of their own. A till adds nothing: anybody
    with a receipt could have typed it in.
    """
    kinds = {kind_of(one), kind_of(other)}
    return kinds == {Kind.MERCHANT, Kind.MALL} and one[1:] != other[1:]


def _speaker(source: str) -> list[str]:
    """The speaker of ``urn:shadowpoints:<namespace>:<speaker>``, split; else nothing."""
    urn, *rest = source.split(":")
    return rest[2:] if urn == "urn" and rest[:1] == ["shadowpoints"] else []
