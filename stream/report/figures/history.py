# SPDX-License-Identifier: Apache-2.0
"""What figures need to know of a consumer's past: purchases, triggers, and when each origin came.

It follows from the facts that are known now, in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from schemas.registry import SOURCES
from stream.engine.model.calendar import day_of
from stream.engine.model.facts import DISPUTED_RANK
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView, judge, merged_touches
from stream.engine.points.birthdays import happened, stated
from stream.engine.points.silence import silences

#: What nobody does: it is sent to people, found out about them, or comes by itself.
_NOT_DONE: Final = frozenset({Touchpoint.NOTICE, Touchpoint.IDENTIFIED, Touchpoint.BIRTHDAY})
#: Touchpoint -> channel: the topic of the first source that reports it.
CHANNELS: Final[Mapping[int, str]] = {
    source.touchpoint: source.topics[0]
    for source in reversed(SOURCES)
    if source.touchpoint is not None and source.touchpoint not in _NOT_DONE
}


class Moment(NamedTuple):
    """A touch that counts, for points or as a member's."""

    time: int  # ms
    touchpoint: int
    earns: bool


class History(NamedTuple):
    """By ``as_of``. Moments are in order; ``met`` has the day of the first touch by origin."""

    moments: list[Moment]
    purchases: list[int]  # days of those that were not refunded in full, in order
    met: dict[str, int]
    is_archived: bool  # there is more, without its days
    heard: list[int]  # times (ms) of everything that was heard, whatever became of it

    def silences(self, days: int) -> list[int]:
        """The instants (ms) at which nothing had been heard for so many days; 0 days: none."""
        if not days:
            return []
        found: list[int] = silences([np.array(self.heard, np.int64)], [days])[days].tolist()
        return found


def history_of(account: Account, view: AccountView, book: RuleBook, as_of: int) -> History:
    """A consumer's past as of an instant (ms). Without consent nothing counts."""
    moments = []
    for touch in merged_touches(account.facts_by_origin).values():
        if touch.time <= as_of and not touch.void and touch.rank < DISPUTED_RANK:
            outcome = judge(touch.time, view, book)
            if outcome in (Outcome.APPLIED, Outcome.MEMBER):
                earns = outcome is Outcome.APPLIED
                moments.append(Moment(touch.time, touch.touchpoint, earns))
    until = view.enrolment.time if view.enrolment else as_of
    known = stated(account.facts_by_origin.values())
    for time in happened(known, until) if known else ():
        if judge(time, view, book) is Outcome.APPLIED:
            moments.append(Moment(time, Touchpoint.BIRTHDAY, earns=True))
    moments.sort()
    return History(
        moments,
        [day_of(m.time) for m in moments if m.touchpoint == Touchpoint.PURCHASE],
        _met(account, as_of),
        any(facts.archived for facts in account.facts_by_origin.values()),
        _heard(account, as_of),
    )


def _heard(account: Account, as_of: int) -> list[int]:
    times: set[int] = set()
    for facts in account.facts_by_origin.values():
        times.update(touch.time for touch in facts.touches.values())
        times.update(consent.time for consent in facts.consents.values())
    return sorted(time for time in times if time <= as_of)


def _met(account: Account, as_of: int) -> dict[str, int]:
    first = {
        origin: facts.touches.earliest
        for origin, facts in account.facts_by_origin.items()
        if origin and facts.touches
    }
    return {origin: day_of(time) for origin, time in first.items() if time <= as_of}
