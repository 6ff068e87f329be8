"""What a kind of earning rule is: what a touch earns, and what a day of such touches grants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from stream.engine.model.facts import Fact
from stream.engine.model.ruleset import EarningRule


class Before(NamedTuple):
    """What a rule had granted one consumer before a cell (a day, or one version's part of it)."""

    in_day: int = 0
    in_month: int = 0
    lifetime: int = 0
    state: int = 0  # the kind's own, as of the beginning of the day


class Setting(NamedTuple):
    """A whole number that a kind takes from the rule file: the least and the most it may be."""

    least: int
    most: int


def grant_all(rule: EarningRule, points: int, before: Before) -> int:
    """A cell grants what its touches earned."""
    return points


def carry_nothing(rule: EarningRule, state: int, last_day: int, day: int) -> int:
    """No day depends on another."""
    return 0


@dataclass(frozen=True, slots=True)
class Kind:
    """How rules of one kind earn. All functions are pure; caps come after them.

    ``earn`` says what one touch earns, the fraction being what campaigns multiply it by. ``grant``
    says what a cell grants in which touches earned so many points. ``carry`` makes the state of a
    later ``day`` from that of ``last_day``, the latest on which touches earned anything (-1: none).
    Whole months are archived without their state, so a state must begin again with each month.
    """

    name: str
    fits: Callable[[EarningRule], bool]
    earn: Callable[[EarningRule, Fact, Fraction], int]
    grant: Callable[[EarningRule, int, Before], int] = grant_all
    carry: Callable[[EarningRule, int, int, int], int] = carry_nothing
    multiplied: bool = True  # by campaigns
    once: bool = False  # ``grant`` asks what was ever granted
    settings: Mapping[str, Setting] = field(default_factory=dict)  # by name in the rule file
