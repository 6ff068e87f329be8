# SPDX-License-Identifier: Apache-2.0
"""Change the rules of a partition by a message of its log, like everything that it knows.

So a replay of the log needs no rule file, and decides each message by the rules by which it was
decided at first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import msgspec

from stream.engine.model.limits import SKEW_MS
from stream.engine.model.messages import CampaignEnded, RulesChanged
from stream.engine.model.rule_versions import load_book, objections
from stream.engine.model.ruleset import RuleBook

#: Under which the rules of a partition are noted.
RULES_NOTE: Final = "rules"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RulesChanged).decode


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a partition; ``said`` is the message by which they came."""

    said: RulesChanged
    book: RuleBook


def rule(known: Rules | None, message: RulesChanged, as_of: int) -> Rules | None:
    """The rules after a message; ``None`` if they stay what they are.

    Of several messages the one which was published last holds, whatever their order, so that all
    partitions come to the same rules. Nothing changes what has begun by the partition's clock,
    ``as_of`` (ms).
    """
    if known is not None:
        earlier = (message.at, message.book) <= (known.said.at, known.said.book)
        if earlier or not message.at:  # the first rules of a log stand at its beginning alone
            return None
    book = load_book(message.book)
    if known is not None and any(objections(known.book, book, as_of)):
        return None
    return _rules(message, book, known.said.ended if known else {})


def end(known: Rules, message: CampaignEnded, as_of: int) -> Rules | None:
    """The rules after a campaign has ended; ``None`` if they stay what they are.

    Of several instants the earliest holds, whatever their order, if it was still to come by the
    partition's clock, ``as_of`` (ms): then nothing that happens from it on has been counted.
    """
    if message.at <= as_of + SKEW_MS:
        return None
    if message.at >= known.said.ended.get(message.campaign, message.at + 1):
        return None
    return _rules(known.said, known.book, known.said.ended | {message.campaign: message.at})


def _rules(said: RulesChanged, book: RuleBook, ended: dict[str, int]) -> Rules:
    return Rules(msgspec.structs.replace(said, ended=ended), replace(book, ended=ended))


def dump_rules(rules: Rules) -> bytes:
    """As they are stored beside the partition's offset."""
    return _encode(rules.said)


def newest(known: Iterable[Rules]) -> Rules | None:
    """Those published last; partitions may be behind one another."""
    return max(known, key=lambda rules: (rules.said.at, rules.said.book), default=None)


@lru_cache(maxsize=16)
def read_rules(data: bytes) -> Rules:
    """The reverse; partitions with the same rules share them. Raises ``MsgspecError``."""
    said = _decode(data)
    return _rules(said, load_book(said.book), said.ended)
