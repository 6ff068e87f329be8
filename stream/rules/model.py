"""The rule file as its writer sees it: closed, strict models of the YAML tree.

They judge one value at a time. What has to fit together is told by ``stream.rules.checks``;
what the file means by ``stream.rules.compile``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from stream.engine.ruleset import ConsentMode, Op, Rounding
from stream.engine.touchpoints import Touchpoint
from stream.rules.scalars import (
    Day,
    Moment,
    Name,
    Operand,
    Text,
    TouchpointName,
    amount_up_to,
    parse_operand,
    sized,
    template,
)

VERSIONS_MAX = 100
RULES_MAX = 200
CAMPAIGNS_MAX = 100
BENEFITS_MAX = 20
POINTS_MAX = 1_000_000  # of one rule, and of a daily cap
TOTAL_POINTS_MAX = 1_000_000_000  # of a longer cap, a threshold, a benefit step
POINTS_PER_YUAN_MAX = 10_000
MULTIPLIER_MAX = 100
DAYS_MAX = 3650
LIFETIME_DAYS_MAX = 35  # the horizon: older touches are folded and trigger nothing any more
HOURS_MAX = 8760

_T = TypeVar("_T")
#: A YAML list; a tuple so that the model is frozen through and through.
ListOf = Annotated[tuple[_T, ...], Field(strict=False)]
Points = Annotated[int, Field(ge=1, le=POINTS_MAX)]
TotalPoints = Annotated[int, Field(ge=1, le=TOTAL_POINTS_MAX)]


def _as_tests(value: object) -> object:
    """``field: value`` is short for ``field: {eq: value}``."""
    return value if isinstance(value, dict) else {Op.EQ.value: value}


Tests = Annotated[
    dict[
        Annotated[Op, Field(strict=False)],
        Annotated[Operand, PlainValidator(parse_operand)],
    ],
    sized(1, len(Op)),
    BeforeValidator(_as_tests),  # runs before ``sized``
]


class Closed(BaseModel):
    """No unknown settings, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class CapsEntry(Closed):
    """Points one consumer can get from the rule per Shanghai day, per month, ever."""

    day: Points | None = None
    month: TotalPoints | None = None
    lifetime: TotalPoints | None = None


class EarnEntry(Closed):
    """One earning rule."""

    id: Name
    touchpoint: TouchpointName
    points: Points | None = None
    points_per_yuan: (
        Annotated[Decimal, PlainValidator(amount_up_to(POINTS_PER_YUAN_MAX))] | None
    ) = None
    base: Literal["payer_total_fen", "total_fen"] | None = None
    rounding: Annotated[Rounding, Field(strict=False)] | None = None
    first_time: bool = False
    caps: CapsEntry = CapsEntry()
    when: dict[str, Tests] = Field(default_factory=dict)


class CampaignEntry(Closed):
    """A span of time in which rules earn a multiple."""

    id: Name
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    multiplier: Annotated[Decimal, PlainValidator(amount_up_to(MULTIPLIER_MAX))]
    rules: Annotated[ListOf[Name], sized(1, RULES_MAX)] | None = None


class Texts(Closed):
    """A text without placeholders in both languages."""

    zh_cn: Annotated[Text, template()] = Field(alias="zh-CN")
    en: Annotated[Text, template()]


_Message = Annotated[Text, template("{points}", "{reasons}", "{benefits}", needed="{points}")]
_Reason = Annotated[Text, template("{count}")]
_ReasonByTouchpoint = dict[TouchpointName, _Reason]


class OfferTexts(Closed):
    """What the offer says, in both languages."""

    zh_cn: _Message = Field(alias="zh-CN")
    en: _Message


class ReasonTexts(Closed):
    """How an offer names what earned the points, by language and touchpoint."""

    zh_cn: _ReasonByTouchpoint = Field(alias="zh-CN", default_factory=dict)
    en: _ReasonByTouchpoint = Field(default_factory=dict)


class BenefitEntry(Closed):
    """Something extra which an offer promises from so many points on."""

    id: Name
    from_points: TotalPoints
    text: Texts


class OffersEntry(Closed):
    """When an offer is made and what it says."""

    threshold_points: TotalPoints
    triggers: Annotated[ListOf[TouchpointName], sized(1, len(Touchpoint))]
    lifetime_days: Annotated[int, Field(ge=1, le=LIFETIME_DAYS_MAX)]
    cooldown_hours: Annotated[int, Field(ge=0, le=HOURS_MAX)]
    text: OfferTexts
    reasons: ReasonTexts = Field(default_factory=ReasonTexts)
    benefits: Annotated[ListOf[BenefitEntry], sized(0, BENEFITS_MAX)] = ()
    control_group_percent: Annotated[int, Field(ge=0, le=100)] = 0


class VersionEntry(Closed):
    """All rules in force from a day on, until the next version's day."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    effective: Day
    consent: Annotated[ConsentMode, Field(strict=False)]
    earn: Annotated[ListOf[EarnEntry], sized(0, RULES_MAX)]
    expiry_days: Annotated[int, Field(ge=1, le=DAYS_MAX)] | None = None
    campaigns: Annotated[ListOf[CampaignEntry], sized(0, CAMPAIGNS_MAX)] = ()
    offers: OffersEntry | None = None
    allow_rewarding: Annotated[ListOf[TouchpointName], sized(1, len(Touchpoint))] | None = None


class RuleFile(Closed):
    """The whole file."""

    versions: Annotated[ListOf[VersionEntry], sized(1, VERSIONS_MAX)]
