# SPDX-License-Identifier: Apache-2.0
"""Birthdays as touches: each comes by itself, at the midnight with which its day begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from stream.engine.model.birthday import birthdays
from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.state import OriginFacts, StatedBirthday

#: Two birthdays of one person are further apart, by any calendar; so a correction gives no second.
_APART_DAYS: Final = 300
#: Within so many days there is a birthday.
_AHEAD_DAYS: Final = 800


def stated(facts_by_origin: Iterable[OriginFacts]) -> list[StatedBirthday]:
    """What was said about the birthday, by time; what two origins have counts once."""
    found: dict[bytes, StatedBirthday] = {}
    for origin_facts in facts_by_origin:
        if origin_facts.birthdays:
            for key, said in origin_facts.birthdays.items():
                found[key] = min(said, found.get(key, said))
    return sorted(found.values()) if found else []


def happened(known: list[StatedBirthday], until: int) -> Iterator[int]:
    """The instants (ms) of all birthdays up to ``until`` (ms).

    A day on which it becomes known is a birthday from then on.
    """
    last = -_APART_DAYS
    ends = [said.time for said in known[1:]]
    for said, end in zip(known, [*ends, until + 1], strict=True):
        until_day = day_of(min(end, until)) + 1
        for day in birthdays(said.birthday, day_of(said.time), until_day):
            at = max(start_of(day), said.time)
            if at < end and at <= until and day >= last + _APART_DAYS:
                last = day
                yield at


def upcoming(known: list[StatedBirthday], after: int) -> int | None:
    """The instant (ms) of the first one after ``after`` (ms)."""
    until = start_of(day_of(after) + _AHEAD_DAYS)
    return next((at for at in happened(known, until) if at > after), None)
