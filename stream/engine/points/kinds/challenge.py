# SPDX-License-Identifier: Apache-2.0
"""Rule kind ``challenge``: points for whoever does all of several things, or so many of them.

Each step has its touchpoint and its conditions. What is done counts for ``within_days`` Shanghai
days, its own included; after the points all begins anew, on the next day.
"""

from __future__ import annotations

import operator
from typing import Final

from stream.engine.model.ruleset import EarningRule
from stream.engine.points.kinds.kind import (
    Kind,
    Memory,
    Progress,
    Setting,
    State,
    count_one,
)
from stream.engine.points.kinds.milestone import WITHIN_DAYS

STEPS_MAX: Final = 10
#: A step that was not done.
_NEVER: Final = -1


def _done(rule: EarningRule, days: State, day: int) -> int:
    within = rule.setting("within_days")
    since = max(_NEVER, day - within) if within else _NEVER
    return sum([then > since for then in days])


def _needed(rule: EarningRule) -> int:
    return rule.setting("needed") or len(rule.steps)


def _play(rule: EarningRule, state: State, day: int, steps: int) -> tuple[State, int]:
    """``steps`` has a bit for each one done.

    The state is the day on which there were points last, and the last day of each step.
    """
    never = (_NEVER,) * len(rule.steps)
    last, *known = state if len(state) == 1 + len(never) else (_NEVER, *never)
    if last == day:
        return state, 0
    days = tuple([day if steps >> number & 1 else then for number, then in enumerate(known)])
    if _done(rule, days, day) < _needed(rule):
        return (last, *days), 0
    return (day, *never), rule.points or 0


def _progress(rule: EarningRule, state: State, day: int) -> Progress:
    return Progress(_done(rule, state[1:], day), _needed(rule))


CHALLENGE: Final = Kind(
    "challenge",
    mark="steps",
    fits=lambda rule: bool(rule.steps),
    earn=count_one,
    memory=Memory(_play, _progress, join=operator.or_),
    multiplied=False,
    settings={"needed": Setting(1, STEPS_MAX), "within_days": WITHIN_DAYS},
)
