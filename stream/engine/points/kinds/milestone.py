# SPDX-License-Identifier: Apache-2.0
"""Rule kinds ``nth`` and ``every_fen``: points for each so many touches, or so much money.

What has led to points does not count again. With ``within_days`` it must lie within so many
Shanghai days, of which the last is the day of the grant.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from stream.engine.model.facts import Fact
from stream.engine.model.fields import BASES
from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.kind import (
    Earn,
    Kind,
    Memory,
    Progress,
    Setting,
    State,
    count_one,
)

NTH_MAX: Final = 1_000
FEN_MAX: Final = 100_000_000
WITHIN_DAYS: Final = Setting(1, 366)


def _open(rule: EarningRule, state: State, day: int) -> list[tuple[int, int]]:
    """What counts still on a day: (day, number), oldest first. Days are 0 without a window."""
    within = rule.setting("within_days")
    pairs = zip(state[::2], state[1::2], strict=True)
    return [(then, number) for then, number in pairs if not within or then > day - within]


def _milestone(name: str, setting: Setting, earn: Earn) -> Kind:
    def play(rule: EarningRule, state: State, day: int, number: int) -> tuple[State, int]:
        left = _open(rule, state, day)
        here = day if rule.setting("within_days") else 0
        if left and left[-1][0] == here:
            number += left.pop()[1]
        left.append((here, number))
        of = rule.setting(name)
        times, rest = divmod(sum([number for _, number in left]), of)
        if times:  # the latest are left
            kept: list[tuple[int, int]] = []
            for then, number in reversed(left):
                if rest:
                    kept.append((then, min(number, rest)))
                    rest -= kept[-1][1]
            left = kept[::-1]
        return tuple([n for pair in left for n in pair]), times * (rule.points or 0)

    def progress(rule: EarningRule, state: State, day: int) -> Progress:
        return Progress(sum(number for _, number in _open(rule, state, day)), rule.setting(name))

    return Kind(
        name,
        mark=name,
        fits=lambda rule: rule.setting(name) > 0,
        earn=earn,
        memory=Memory(play, progress),
        multiplied=False,
        settings={name: setting, "within_days": WITHIN_DAYS},
    )


def _fen(rule: EarningRule, fact: Fact, multiplier: Fraction) -> int:
    return int(fact.fields.get(BASES[Touchpoint(fact.touchpoint)][0], 0))


NTH: Final = _milestone("nth", Setting(2, NTH_MAX), count_one)
EVERY_FEN: Final = _milestone("every_fen", Setting(1, FEN_MAX), _fen)
