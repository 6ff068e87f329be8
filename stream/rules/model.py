# SPDX-License-Identifier: Apache-2.0
"""The format of the rule file: closed, strict models of the YAML tree.

They validate one value at a time. ``stream.rules.checks`` checks values against each other, and
``stream.rules.compile`` turns the models into the engine's rules.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, create_model

from schemas.offers import SHORT_CHARS_MAX, SHORT_POINTS_MAX
from stream.engine.model.fields import BASES
from stream.engine.model.ruleset import (
    LIFETIME_DAYS_MAX,
    Combine,
    ConsentMode,
    Invited,
    Rounding,
)
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds import KINDS
from stream.engine.points.kinds.challenge import STEPS_MAX
from stream.language import value_messages as say
from stream.rules.class_model import LEVELS_MAX, SegmentsEntry, Tags, TiersEntry, Who
from stream.rules.nudge_model import NudgeLimitsEntry, Nudges
from stream.rules.schedule_model import Calendar, RuleWhen, ScheduleEntry
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.value_types import (
    Check,
    Id,
    Moment,
    Name,
    Text,
    TouchpointName,
    amount_up_to,
    refuse,
    sized,
    template,
)

VERSIONS_MAX = 100
RULES_MAX = 200
CAMPAIGNS_MAX = 100
GROUPS_MAX = 100
BLOCKS_MAX = 50
BENEFITS_MAX = 20
IDS_MAX = 100  # which a block may name of a kind
POINTS_MAX = 1_000_000  # for one rule, and for a daily cap
TOTAL_POINTS_MAX = 1_000_000_000  # for a longer cap, a threshold, a benefit step
BUDGET_MAX = 10**15  # for all consumers
POINTS_PER_YUAN_MAX = 10_000
MULTIPLIER_MAX = 100
DAYS_MAX = 3650
LIFETIME_MINUTES_MIN = 10
MINUTES_MAX = 1440  # what is longer is said in hours or days
SILENT_DAYS_MAX = 366
HOURS_MAX = 8760
COOLDOWN_DAYS_MAX = 366
PENDING_DAYS_MAX = 366  # WeChat Pay allows refunds for a year

Points = Annotated[int, Field(ge=1, le=POINTS_MAX)]
TotalPoints = Annotated[int, Field(ge=1, le=TOTAL_POINTS_MAX)]
Multiplier = Annotated[Decimal, amount_up_to(MULTIPLIER_MAX)]


if TYPE_CHECKING:
    Base = str
else:  # one of the amounts of any touchpoint
    Base = Literal[tuple(dict.fromkeys(chain.from_iterable(BASES.values())))]


class CapsEntry(Closed):
    """The most points that a consumer can get per Shanghai day, week (from Monday), month, ever."""

    day: Points | None = None
    week: TotalPoints | None = None
    month: TotalPoints | None = None
    lifetime: TotalPoints | None = None


class StepEntry(Closed):
    """One of the things to do in a challenge."""

    touchpoint: TouchpointName
    when: RuleWhen = RuleWhen()


class _EarnEntry(Closed):
    id: Name
    touchpoint: TouchpointName | None = None
    points: Points | None = None
    points_per_yuan: Annotated[Decimal, amount_up_to(POINTS_PER_YUAN_MAX)] | None = None
    base: Base | None = None
    rounding: Annotated[Rounding, Field(strict=False)] | None = None
    first_time: bool = False
    caps: CapsEntry = CapsEntry()
    pending_days: Annotated[int, Field(ge=1, le=PENDING_DAYS_MAX)] | None = None
    when: RuleWhen = RuleWhen()
    steps: Annotated[ListOf[StepEntry], sized(2, STEPS_MAX)] = ()
    who: Annotated[Who, sized(1, 10)] = Field(default_factory=dict)
    tier_multiplier: Annotated[dict[Name, Multiplier], sized(1, LEVELS_MAX)] | None = None


#: The settings of single kinds of rules, with their limits.
KIND_SETTINGS = {name: limits for kind in KINDS for name, limits in kind.settings.items()}

if TYPE_CHECKING:
    EarnEntry = _EarnEntry
else:
    EarnEntry = create_model(
        "EarnEntry",
        __base__=_EarnEntry,
        __doc__="One earning rule.",
        **{
            name: (Annotated[int, Field(ge=limits.least, le=limits.most)] | None, None)
            for name, limits in KIND_SETTINGS.items()
        },
    )


class GroupEntry(Closed):
    """Rules with caps for what all of them grant together."""

    id: Name
    rules: Annotated[ListOf[Name], sized(2, RULES_MAX)]
    caps: CapsEntry


class CampaignEntry(Closed):
    """A time in which rules earn a multiple of their points, and the most that it adds."""

    id: Name
    start: Moment | None = Field(alias="from", default=None)
    end: Moment | None = Field(alias="to", default=None)
    when: ScheduleEntry | None = None
    multiplier: Multiplier
    rules: Annotated[ListOf[Name], sized(1, RULES_MAX)] | None = None
    caps: CapsEntry = CapsEntry()
    budget: Annotated[int, Field(ge=1, le=BUDGET_MAX)] | None = None


class Texts(Closed):
    """A text without placeholders in both languages."""

    zh_cn: Annotated[Text, template()] = Field(alias="zh-CN")
    en: Annotated[Text, template()]


_Message = Annotated[Text, template("{points}", "{reasons}", "{benefits}", needed="{points}")]
_Reason = Annotated[Text, template("{count}")]
_ReasonByTouchpoint = dict[TouchpointName, _Reason]


class OfferTexts(Closed):
    """The text of an offer in both languages."""

    zh_cn: _Message = Field(alias="zh-CN")
    en: _Message


def _notice(room: int) -> Check:
    """At most as long as WeChat's ``thing``, with the largest number filled in.

    ``room``: for the text as it is written.
    """

    def check(text: str) -> str:
        longest = len(text.replace("{points}", f"{SHORT_POINTS_MAX:,}+"))
        if longest > SHORT_CHARS_MAX:
            refuse(say.TOO_LONG_FOR_A_NOTICE(longest=longest, most=SHORT_CHARS_MAX))
        return text

    return Check(check, lambda _: {"maxLength": room})


_Short = Annotated[Text, template("{points}", needed="{points}"), _notice(SHORT_CHARS_MAX - 2)]
_ShortPlain = Annotated[Text, template(), _notice(SHORT_CHARS_MAX)]


class ShortTexts(Closed):
    """The text of an offer in at most 20 characters, in both languages."""

    zh_cn: _Short = Field(alias="zh-CN")
    en: _Short


class ShortInvitation(Closed):
    """The text of an invitation in at most 20 characters, in both languages."""

    zh_cn: _ShortPlain = Field(alias="zh-CN")
    en: _ShortPlain


class ReasonTexts(Closed):
    """How an offer describes what earned the points, by language and touchpoint."""

    zh_cn: _ReasonByTouchpoint = Field(alias="zh-CN", default_factory=dict)
    en: _ReasonByTouchpoint = Field(default_factory=dict)


_ONE_OF_THEM = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})


class EffectEntry(Closed):
    """What a benefit does: exactly one of these."""

    model_config = _ONE_OF_THEM

    percent_off: Annotated[int, Field(ge=1, le=100)] | None = None
    fen_off: TotalPoints | None = None
    gifts: Points | None = None


class BenefitEntry(Closed):
    """An extra that an offer promises from a number of points on."""

    id: Name
    from_points: TotalPoints
    text: Texts
    effect: EffectEntry | None = None
    code: Id | None = None


class ControlGroupEntry(Closed):
    """The share of consumers that an experiment excludes from offers."""

    experiment: Name
    percent: Annotated[int, Field(ge=0, le=100)]


class LifetimeEntry(Closed):
    """How long something lives: exactly one of these."""

    model_config = _ONE_OF_THEM

    minutes: Annotated[int, Field(ge=LIFETIME_MINUTES_MIN, le=MINUTES_MAX)] | None = None
    hours: Annotated[int, Field(ge=1, le=LIFETIME_DAYS_MAX * 24)] | None = None
    days: Annotated[int, Field(ge=1, le=LIFETIME_DAYS_MAX)] | None = None


_Ids = Annotated[ListOf[Id], sized(1, IDS_MAX)]


class AudienceEntry(Closed):
    """Whom a block is for: all that is given must fit, of each one value."""

    apps: _Ids | None = None
    open_accounts: _Ids | None = None


class OfferEntry(Closed):
    """A block: one kind of offer, when it is made and what it says."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["triggers"]}, {"required": ["silent_days"]}]}
    )

    id: Name
    audience: AudienceEntry | None = Field(alias="for", default=None)
    who: Annotated[Who, sized(1, 10)] = Field(default_factory=dict)
    threshold_points: TotalPoints
    triggers: Annotated[ListOf[TouchpointName], sized(1, len(Touchpoint))] = ()
    silent_days: Annotated[int, Field(ge=1, le=SILENT_DAYS_MAX)] | None = None
    lifetime: LifetimeEntry
    cooldown_hours: Annotated[int, Field(ge=0, le=HOURS_MAX)]
    text: OfferTexts
    short_text: ShortTexts
    benefits: Annotated[ListOf[BenefitEntry], sized(0, BENEFITS_MAX)] = ()


class InvitationEntry(Closed):
    """When people without an answer are invited to agree, and how."""

    to: Annotated[Invited, Field(strict=False)]
    triggers: Annotated[ListOf[TouchpointName], sized(1, len(Touchpoint))]
    lifetime: LifetimeEntry
    cooldown_days: Annotated[int, Field(ge=1, le=COOLDOWN_DAYS_MAX)] = 30
    text: Texts
    short_text: ShortInvitation


class VersionEntry(Closed):
    """All rules in force from a day or an instant on, until the next version begins."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    effective: Moment
    consent: Annotated[ConsentMode, Field(strict=False)]
    earn: Annotated[ListOf[EarnEntry], sized(0, RULES_MAX)]
    expiry_days: Annotated[int, Field(ge=1, le=DAYS_MAX)] | None = None
    groups: Annotated[ListOf[GroupEntry], sized(0, GROUPS_MAX)] = ()
    campaigns: Annotated[ListOf[CampaignEntry], sized(0, CAMPAIGNS_MAX)] = ()
    combine: Annotated[Combine, Field(strict=False)] = Combine.HIGHEST
    calendar: Calendar | None = None
    tiers: TiersEntry | None = None
    segments: SegmentsEntry | None = None
    tags: Tags = ()
    offers: Annotated[ListOf[OfferEntry], sized(1, BLOCKS_MAX)] = ()
    reasons: ReasonTexts = Field(default_factory=ReasonTexts)
    control_group: ControlGroupEntry | None = None
    invitation: InvitationEntry | None = None
    nudges: Nudges = ()
    nudge_limits: NudgeLimitsEntry | None = None
    allow_rewarding: Annotated[ListOf[TouchpointName], sized(1, len(Touchpoint))] | None = None


class RuleFile(Closed):
    """The whole file."""

    versions: Annotated[ListOf[VersionEntry], sized(1, VERSIONS_MAX)]
