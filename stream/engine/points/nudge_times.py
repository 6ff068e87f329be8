# SPDX-License-Identifier: Apache-2.0
"""Say which nudge is due to a consumer, by what they did lately and ``as_of``."""

from __future__ import annotations

from typing import NamedTuple

from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.points.recent import Recent, last_of_days


class Due(NamedTuple):
    """A nudge that holds: since ``due`` and until ``ends`` (ms), because of ``anchor`` (ms)."""

    anchor: int
    due: int
    ends: int


class Schedule(NamedTuple):
    """The nudge that holds now, if one does, and the one that is going to if nothing happens."""

    now: Due | None
    upcoming: Due | None


def schedule_of(
    nudge: Nudge, policy: NudgePolicy, recent: Recent, offer_ends: int | None, as_of: int
) -> Schedule:
    """When a nudge holds; ``offer_ends`` (ms): the end of the live offer, if there is one.

    Of several anchors the earliest counts until it is over, then the next.
    """
    now = None
    for anchor in _anchors(nudge, recent, offer_ends):
        due = policy.audible(nudge.due_at(anchor))
        found = Due(anchor, due, nudge.ends_at(anchor, due))
        if found.ends <= max(found.due, as_of):  # over, or quiet until an offer's end
            continue
        if found.due > as_of:
            return Schedule(now, found)
        now = now or found
    return Schedule(now, None)


def _anchors(nudge: Nudge, recent: Recent, offer_ends: int | None) -> list[int]:
    """What it may follow, in order of time: what something else has not come after."""
    if not nudge.after:
        return [] if offer_ends is None else [offer_ends]
    anchors = sorted(time for touchpoint in nudge.after for time in recent.get(touchpoint, ()))
    others = (recent.get(touchpoint) for touchpoint in nudge.unless)
    last = max((times[-1] for times in others if times), default=0)
    counting = last_of_days(anchors) if nudge.each else anchors[-1:]
    return [time for time in counting if time >= last]
