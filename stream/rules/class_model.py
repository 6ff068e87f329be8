# SPDX-License-Identifier: Apache-2.0
"""The format of what a rule file says of classes of consumers: tiers, segments and tags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import FEN_MAX
from schemas.traits import TAGS_MAX
from stream.engine.model.classes import BEST, BORDERS, Downgrade, Lifecycle
from stream.language import class_messages as say
from stream.rules.conditions import Tests
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.value_types import Check, Name, refuse, sized

LEVELS_MAX = 10
WINDOW_DAYS_MAX = 366
HOLD_DAYS_MAX = 366  # with the grace
STAGE_DAYS_MAX = 1_000
COOLDOWN_HOURS_MAX = 8_760


def _four_borders(value: object) -> object:
    if isinstance(value, list) and len(value) != BORDERS:
        refuse(say.NOT_FOUR_BORDERS(count=len(value), best=BEST, borders=BORDERS))
    return value


_Four = Check(_four_borders, lambda _: {"minItems": BORDERS, "maxItems": BORDERS}, first=True)


_StageDays = Annotated[int, Field(ge=1, le=STAGE_DAYS_MAX)]
_HoldDays = Annotated[int, Field(ge=0, le=HOLD_DAYS_MAX)]
_Borders = Annotated[ListOf[Annotated[int, Field(ge=1, le=FEN_MAX)]], _Four]

_USUAL = Lifecycle()

#: Tests by what they test: ``tier``, ``lifecycle``, ``rfm``, ``r``, ``f``, ``m``, ``tags``.
Who = dict[str, Tests]


class LevelEntry(Closed):
    """A level of the tier, reached by so much net spend within the window."""

    id: Name
    from_fen: Annotated[int, Field(ge=1, le=FEN_MAX)]


class TiersEntry(Closed):
    """Levels by net spend, and how long one is held that is no longer reached."""

    levels: Annotated[ListOf[LevelEntry], sized(1, LEVELS_MAX)]
    window: Literal["rolling", "calendar_year"] = "rolling"
    window_days: Annotated[int, Field(ge=1, le=WINDOW_DAYS_MAX)] | None = None
    hold_days: _HoldDays = 0
    grace_days: _HoldDays = 0
    downgrade: Annotated[Downgrade, Field(strict=False)] = Downgrade.ONE_DOWN


class LifecycleEntry(Closed):
    """For how many days after the last purchase a stage lasts, or when it begins."""

    new_days: _StageDays = _USUAL.new_days
    active_days: _StageDays = _USUAL.active_days
    silent_days: _StageDays = _USUAL.silent_days
    lapsed_days: _StageDays = _USUAL.lapsed_days


class RfmEntry(Closed):
    """The borders between scores: of ``r`` in days, of ``f`` in purchases, of ``m`` in fen."""

    window_days: Annotated[int, Field(ge=1, le=WINDOW_DAYS_MAX)] = 365
    r: _Borders
    f: _Borders
    m: _Borders


class SegmentsEntry(Closed):
    """Segments by behaviour. Of changes that follow within the cool-down only the last is told."""

    lifecycle: LifecycleEntry | None = None
    rfm: RfmEntry | None = None
    cooldown_hours: Annotated[int, Field(ge=0, le=COOLDOWN_HOURS_MAX)] = 0


class TagEntry(Closed):
    """A name for consumers of some classes."""

    id: Name
    who: Annotated[Who, sized(1, 10)]


Tags = Annotated[ListOf[TagEntry], sized(0, TAGS_MAX)]
