# SPDX-License-Identifier: Apache-2.0
"""Budgets: what campaigns have granted to all consumers of a partition.

A partition keeps the sums beside its offset and changes them in the commit that posts the points,
so they are those of its entries, and a replay of the log makes them again. They only say when a
campaign is to end; the core reads them nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from stream.engine.model.decision import Channel, Publish
from stream.engine.model.ruleset import RuleBook

#: Under which the sums of a partition are noted.
GRANTED_NOTE: Final = "granted"

_KINDS: Final = frozenset({"accrual", "clawback"})  # a point that expires was granted

dump_granted = msgspec.msgpack.Encoder(order="sorted").encode
_decode = msgspec.msgpack.Decoder(dict[str, int]).decode


def read_granted(data: bytes) -> dict[str, int]:
    """By campaign, the points that it has granted; raises ``MsgspecError``."""
    return _decode(data)


def granted_by(output: Publish) -> str:
    """The campaign whose points an entry of the ledger grants or takes back; "" for others."""
    if output.channel is not Channel.LEDGER or output.data["kind"] not in _KINDS:
        return ""
    campaign: str = output.data.get("campaign", "")
    return campaign


def exhausted(book: RuleBook, granted: Mapping[str, int], from_ms: int) -> Iterator[str]:
    """The campaigns that have used up their budget and would count something from then on."""
    for campaign, budget in book.budgets.items():
        if granted.get(campaign, 0) >= budget and _runs_after(campaign, book, from_ms):
            yield campaign


def _runs_after(campaign: str, book: RuleBook, from_ms: int) -> bool:
    return any(
        one.id == campaign and (one.ends_ms is None or one.ends_ms > from_ms)
        for version in book.versions
        if (book.next_change(version.effective_ms) or from_ms + 1) > from_ms
        for one in version.campaigns
    )
