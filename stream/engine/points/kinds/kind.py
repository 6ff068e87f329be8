# SPDX-License-Identifier: Apache-2.0
"""What a kind of earning rule is: what a touch earns, and what a day of such touches grants."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from stream.engine.model.facts import Fact
from stream.engine.model.ruleset import EarningRule

#: What a touch earns, the fraction being what campaigns multiply it by.
Earn = Callable[[EarningRule, Fact, Fraction], int]
#: What a kind with a memory knows of the days before.
State = tuple[int, ...]


class Before(NamedTuple):
    """What a rule had granted one consumer before a cell (a day, or one version's part of it)."""

    in_day: int = 0
    in_week: int = 0
    in_month: int = 0
    lifetime: int = 0


class Setting(NamedTuple):
    """A whole number that a kind takes from the rule file: the least and the most it may be."""

    least: int
    most: int


class Progress(NamedTuple):
    """How far a consumer is on the way to the next grant."""

    done: int
    of: int


def grant_all(rule: EarningRule, points: int, before: Before) -> int:
    """A cell grants what its touches earned."""
    return points


def count_one(rule: EarningRule, fact: Fact, multiplier: Fraction) -> int:
    """What a touch is worth where touches are counted."""
    return 1


@dataclass(frozen=True, slots=True)
class Memory:
    """How a kind grants for what happened on several days together.

    ``play`` makes, of the state before a cell, its Shanghai day and what its touches earned, the
    state after it and the points granted. Cells come by time, and a day may have several.
    ``progress`` says what there is on a day, of a state as it was left on an earlier one.
    ``join`` adds what one touch earned to what a cell has.
    """

    play: Callable[[EarningRule, State, int, int], tuple[State, int]]
    progress: Callable[[EarningRule, State, int], Progress]
    join: Callable[[int, int], int] = operator.add


@dataclass(frozen=True, slots=True)
class Kind:
    """How rules of one kind earn. All functions are pure; caps come after them.

    ``earn`` says what one touch earns. Then ``grant`` says what a cell grants in which touches
    earned so much; a kind with a ``memory`` has that instead, and earns what it counts. ``mark`` is
    the setting which makes a rule one of this kind.
    """

    name: str
    mark: str
    fits: Callable[[EarningRule], bool]
    earn: Earn
    grant: Callable[[EarningRule, int, Before], int] = grant_all
    memory: Memory | None = None
    multiplied: bool = True  # by campaigns
    once: bool = False  # ``grant`` asks what was ever granted
    settings: Mapping[str, Setting] = field(default_factory=dict)  # by name in the rule file
