# SPDX-License-Identifier: Apache-2.0
"""Nudges, naively: each thing that somebody did, and whether it is time to remind them of it."""

from __future__ import annotations

from typing import Any

from stream.engine.model.calendar import DAY_MS, day_of, start_of

#: Touchpoint and time (ms).
Happened = list[tuple[str, int]]
_MINUTE_MS = 60_000


def due(happened: Happened, policy: Any, now: int) -> dict[str, int]:
    """After what (ms) each nudge is due as of ``now`` (ms) to somebody who did all this."""
    happened = [one for one in happened if one[1] <= now]
    found = {}
    for nudge in policy.nudges:
        after, unless = ({t.label for t in some} for some in (nudge.after, nudge.unless))
        anchors = [time for touchpoint, time in happened if touchpoint in after]
        if not nudge.each:
            anchors = [max(anchors)] if anchors else []
        valid = [
            anchor
            for anchor in anchors
            if not any(t in unless and time > anchor for t, time in happened)
            and not any(a > anchor and day_of(a) == day_of(anchor) for a in anchors)
            and _time(nudge, policy, anchor) <= now
            and now < _time(nudge, policy, anchor) + nudge.expires_ms
        ]
        if valid:
            found[nudge.id] = min(valid)
    return found


def _time(nudge: Any, policy: Any, anchor: int) -> int:
    time: int = anchor + nudge.wait_ms
    if nudge.at_minute is not None:
        midnight = start_of(day_of(anchor)) + nudge.wait_ms
        time = max(anchor, midnight + int(nudge.at_minute) * _MINUTE_MS)
    while policy.quiet and _is_quiet(policy.quiet, time):
        time += _MINUTE_MS - time % _MINUTE_MS
    return time


def _is_quiet(quiet: Any, time: int) -> bool:
    minute = (time - start_of(day_of(time))) // _MINUTE_MS
    return any(quiet.start <= m < quiet.end for m in (minute, minute + DAY_MS // _MINUTE_MS))
