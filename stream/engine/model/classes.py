# SPDX-License-Identifier: Apache-2.0
"""What kind of customer somebody is, and how one version of the rules defines it: plain values.

A consumer has a *level* of a tier by what they spent, a *stage* of the lifecycle by how long ago
they bought, RFM scores (recency, frequency, money) and *tags*, which are names for any of these
together: their *classes*. ``stream.engine.points.classes`` says who has which, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

#: By ``tier`` (a level, or ""), ``lifecycle`` (a stage), ``rfm`` (three digits) and ``tags``.
Classes = Mapping[str, Any]
#: Of everybody, where the rules know no classes.
UNCLASSED: Final[Classes] = MappingProxyType({"tier": "", "lifecycle": "", "rfm": "", "tags": ()})

SCORES: Final = ("r", "f", "m")
BEST: Final = 5  # the highest score
#: How many borders there are between scores.
BORDERS: Final = BEST - 1


class Stage(StrEnum):
    """The stage of a customer's life, by the days since the last purchase."""

    PROSPECT = "prospect"  # has never bought
    NEW = "new"  # has bought once, and lately
    ACTIVE = "active"
    COOLING = "cooling"
    SILENT = "silent"
    LAPSED = "lapsed"


class Downgrade(StrEnum):
    """What happens to a level at the end of its hold and grace."""

    ONE_DOWN = "one_down"  # one level less, which holds again
    TO_SPEND = "to_spend"  # the highest level that was reached within the hold


@dataclass(frozen=True, slots=True)
class Level:
    """A level, reached by so much net spend within the window."""

    id: str
    from_fen: int


@dataclass(frozen=True, slots=True)
class Tiers:
    """Levels by net spend in the last ``window_days``, or in the calendar year if that is 0."""

    levels: tuple[Level, ...]
    window_days: int = 365
    hold_days: int = 0
    grace_days: int = 0
    downgrade: Downgrade = Downgrade.ONE_DOWN
    #: Of the levels, in fen.
    borders: tuple[int, ...] = field(default=(), init=False, repr=False, compare=False)
    _places: dict[str, int] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        rising = tuple(sorted(self.levels, key=lambda level: level.from_fen))
        object.__setattr__(self, "levels", rising)
        object.__setattr__(self, "borders", tuple([level.from_fen for level in rising]))
        places = {level.id: place for place, level in enumerate(rising, 1)}
        object.__setattr__(self, "_places", places | {"": 0})

    def place(self, level: str) -> int:
        """The place of a level, from 1 on; 0: none."""
        return self._places.get(level, 0)

    @property
    def days(self) -> int:
        """How many days after a purchase it may still matter."""
        falls = len(self.levels) if self.downgrade is Downgrade.ONE_DOWN else 1
        return (self.window_days or 366) + falls * (self.hold_days + self.grace_days)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How many days from a purchase on a stage lasts; the day of the purchase is the first."""

    new_days: int = 30
    active_days: int = 30
    silent_days: int = 90
    lapsed_days: int = 180


@dataclass(frozen=True, slots=True)
class Rfm:
    """Four borders of each score: of ``r`` in days, of ``f`` in purchases, of ``m`` in fen.

    A score is 1 and one more for each border of ``f`` and ``m`` that is reached, and 5 less each
    border of ``r`` that has passed. What counts was bought in the last ``window_days``.
    """

    r: tuple[int, ...]
    f: tuple[int, ...]
    m: tuple[int, ...]
    window_days: int = 365

    def __post_init__(self) -> None:
        for score in SCORES:
            object.__setattr__(self, score, tuple(sorted(getattr(self, score))))


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one class (``r``, ``f`` and ``m`` are the digits of ``rfm``).

    It is to be one of ``values``; ``negated``, none. Tags are several: one of them is enough.
    """

    __test__ = False  # for pytest

    key: str
    values: frozenset[str]
    negated: bool = False

    def holds(self, classes: Classes) -> bool:
        """Whether a consumer of these classes passes."""
        if self.key == "tags":
            found = not self.values.isdisjoint(classes["tags"])
        elif self.key in SCORES:
            place = SCORES.index(self.key)
            found = classes["rfm"][place : place + 1] in self.values
        else:
            found = classes[self.key] in self.values
        return found is not self.negated


#: Tests that all must hold.
Who = tuple[Test, ...]


def fits(who: Who, classes: Classes) -> bool:
    """Whether a consumer of these classes passes all tests."""
    return all(test.holds(classes) for test in who)


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for all who pass some tests, of anything but tags."""

    id: str
    who: Who


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """All classes that one version of the rules knows.

    A change of stage, scores or tags is told ``cooldown_ms`` after the one before at the earliest.
    """

    tiers: Tiers | None = None
    lifecycle: Lifecycle | None = None
    rfm: Rfm | None = None
    tags: tuple[Tag, ...] = ()
    cooldown_ms: int = 0
    #: Classes which were asked for; there are not many.
    _known: dict[tuple[int, str, str], Classes] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(sorted(self.tags, key=lambda tag: tag.id)))

    @property
    def days(self) -> int:
        """How many days after a purchase it may still matter for more than having been made."""
        windows = [self.tiers.days if self.tiers else 0, self.rfm.window_days if self.rfm else 0]
        return max(windows)

    def classes(self, level: int, stage: str, rfm: str) -> Classes:
        """The classes of somebody with these; ``level`` counts from 1, 0 is none."""
        known = self._known.get((level, stage, rfm))
        if known is None:
            tier = self.tiers.levels[level - 1].id if self.tiers and level else ""
            classes = {"tier": tier, "lifecycle": stage, "rfm": rfm, "tags": ()}
            classes["tags"] = tuple([tag.id for tag in self.tags if fits(tag.who, classes)])
            known = self._known[level, stage, rfm] = MappingProxyType(classes)
        return known
