# SPDX-License-Identifier: Apache-2.0
"""The format of what a rule file says of nudges."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from stream.engine.model.schedule import DAY_MINUTES
from stream.engine.model.touchpoints import Touchpoint
from stream.language import value_messages as say
from stream.rules.schedule_model import Window
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.problems import shown
from stream.yaml_config.value_types import Name, TouchpointName, refuse, sized

NUDGES_MAX = 50
WAIT_DAYS_MAX = 366
WAIT_HOURS_MAX = 720
EXPIRES_HOURS_MAX = 720
ONCE_PER_DAYS_MAX = 366
MOST_MAX = 100

_CLOCK = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
_WrittenClock = Annotated[str, Field(pattern=f"^{_CLOCK.pattern}$")]


def parse_clock(value: object) -> int:
    """Minutes since midnight of a time such as ``10:00``."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse(say.NO_CLOCK())
    hour, minute = map(int, match.groups())
    if minute > 59 or hour * 60 + minute >= DAY_MINUTES:
        refuse(say.NOT_ON_THE_CLOCK(given=shown(value)))
    return hour * 60 + minute


def _as_list(value: object) -> object:
    """``purchase`` is short for ``[purchase]``."""
    return [value] if isinstance(value, str) else value


_Touchpoints = Annotated[ListOf[TouchpointName], Field(min_length=1, max_length=len(Touchpoint))]
Touchpoints = Annotated[
    ListOf[TouchpointName],
    sized(1, len(Touchpoint)),
    # runs before ``sized``
    BeforeValidator(_as_list, json_schema_input_type=_Touchpoints | TouchpointName),
]


class WaitEntry(Closed):
    """So many hours after something, or so many days, at a time of the day or as late as it was."""

    hours: Annotated[int, Field(ge=0, le=WAIT_HOURS_MAX)] | None = None
    days: Annotated[int, Field(ge=0, le=WAIT_DAYS_MAX)] | None = None
    at: Annotated[int, PlainValidator(parse_clock, json_schema_input_type=_WrittenClock)] | None = (
        None
    )


class NudgeEntry(Closed):
    """A reminder for consumers who did something, and have not done something else since."""

    id: Name
    after: Touchpoints | None = None
    wait: WaitEntry | None = None
    unless: Touchpoints | None = None
    anchor: Literal["latest", "each"] | None = None
    before_offer_ends_hours: Annotated[int, Field(ge=1, le=WAIT_HOURS_MAX)] | None = None
    expires_hours: Annotated[int, Field(ge=1, le=EXPIRES_HOURS_MAX)] | None = None
    once_per_days: Annotated[int, Field(ge=1, le=ONCE_PER_DAYS_MAX)] | None = None


class NudgeLimitsEntry(Closed):
    """When no nudge is told, and how many are in so many days."""

    quiet_hours: Window | None = None
    most: Annotated[int, Field(ge=1, le=MOST_MAX)] | None = None
    per_days: Annotated[int, Field(ge=1, le=ONCE_PER_DAYS_MAX)] | None = None


Nudges = Annotated[ListOf[NudgeEntry], sized(0, NUDGES_MAX)]
