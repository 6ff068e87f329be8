# SPDX-License-Identifier: Apache-2.0
"""The output topics as a consumer reads them: each id once, in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from stream.engine.model.decision import Channel
from stream.tables.base import Record
from tests.simulation.log import NAMES

OFFERS, LEDGER, IDENTITY, TRAITS = (
    NAMES.channel(channel)
    for channel in (Channel.OFFERS, Channel.LEDGER, Channel.IDENTITY, Channel.TRAITS)
)


def header(record: Record, name: str) -> str:
    return next(value.decode() for key, value in record.headers if key == name)


def id_of(record: Record) -> str:
    """What makes two records the same to a consumer."""
    if record.topic == NAMES.dead_letters:
        place = ("topic", "partition", "offset")
        return ":".join(header(record, f"__connect.errors.{name}") for name in place)
    return header(record, "ce_id")


def entry_of(record: Record) -> dict[str, Any] | None:
    """The ledger entry in a record, if it is one."""
    if record.topic != LEDGER:
        return None
    entry: dict[str, Any] = orjson.loads(record.value or b"")
    return entry


def first_of_each(records: Iterable[Record]) -> list[Record]:
    """Without repetitions, each where its id appears first."""
    found: dict[str, Record] = {}
    for record in records:
        found.setdefault(id_of(record), record)
    return list(found.values())


def new_by_sequence(records: Iterable[Record]) -> list[Record]:
    """What a consumer takes that keeps the highest sequence of each partition."""
    highest: dict[tuple[str, int | None], str] = {}
    taken = []
    for record in records:
        place, sequence = (record.topic, record.partition), header(record, "ce_sequence")
        if sequence > highest.get(place, ""):
            highest[place] = sequence
            taken.append(record)
    return taken


def bodies(records: Iterable[Record]) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of each event, repetitions left out."""
    return [(header(r, "ce_type"), orjson.loads(r.value or b"")) for r in first_of_each(records)]
