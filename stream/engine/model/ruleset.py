# SPDX-License-Identifier: Apache-2.0
"""The rule set: plain values that the rule loader builds and the engine reads.

Nothing here knows how a rule file is written; ``stream.rules`` does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from stream.engine.model.classes import ClassPolicy, Who
from stream.engine.model.nudges import NudgePolicy
from stream.engine.model.schedule import Schedule
from stream.engine.model.time_checks import Horizons
from stream.engine.model.touchpoints import Touchpoint

#: The longest lifetime of an offer: as long as a trigger may be late.
LIFETIME_DAYS_MAX = 35

#: What a condition may test and an event may carry.
Value = str | int | bool
Fields = Mapping[str, Value]


class Op(StrEnum):
    """How a condition compares an event's field with its value."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    PREFIX = "prefix"


class Rounding(StrEnum):
    """How a fraction of a point becomes a whole one."""

    DOWN = "down"
    HALF_UP = "half_up"
    UP = "up"


class ConsentMode(StrEnum):
    """Whether points accrue before a consumer has answered the consent question."""

    OPT_IN = "opt_in"  # parked until consent is granted
    OPT_OUT = "opt_out"  # accrue unless consent is withdrawn


class Combine(StrEnum):
    """What counts of campaigns which run at one time."""

    HIGHEST = "highest"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Condition:
    """One test on a field of the event; an absent field fails every test but ``ne``/``not_in``."""

    field: str
    op: Op
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Caps:
    """The most points one consumer is granted; ``None`` is no limit. Weeks begin on Monday."""

    day: int | None = None
    week: int | None = None
    month: int | None = None
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Points per yuan of ``base`` (a field in fen), rounded once per payment."""

    points_per_yuan: Fraction
    base: str = "payer_total_fen"  # or "total_fen"
    rounding: Rounding = Rounding.DOWN


@dataclass(frozen=True, slots=True)
class Step:
    """One of the things to do in a challenge."""

    touchpoint: Touchpoint
    when: tuple[Condition, ...] = ()
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Either ``points`` (a fixed amount) or ``rate`` is set; ``touchpoint``, or else ``steps``.

    How they are earned is its kind's to say (``stream.engine.points.kinds``). What it grants waits
    ``pending_days`` after its day before a member is paid it; they are fewer than the days after
    which it expires.
    """

    id: str
    touchpoint: Touchpoint | None
    points: int | None = None
    rate: Rate | None = None
    first_time: bool = False
    caps: Caps = Caps()
    when: tuple[Condition, ...] = ()
    pending_days: int = 0
    settings: Mapping[str, int] | None = field(default=None, hash=False)  # further ones of its kind
    schedule: Schedule | None = None  # when its touches count; None: always
    steps: tuple[Step, ...] = ()
    who: Who = ()  # of what classes the consumer must be just before
    by_tier: Mapping[str, Fraction] | None = field(default=None, hash=False)  # level -> multiplier
    kind: Any = field(default=None, init=False, repr=False, compare=False)  # once it was asked for

    def setting(self, name: str) -> int:
        """A setting of its kind; 0 where it is not given."""
        return self.settings.get(name, 0) if self.settings else 0

    @property
    def is_multiplied(self) -> bool:
        """Whether campaigns multiply it: each touch earns by itself, again and again."""
        return not (self.first_time or self.settings or self.steps)

    @property
    def measures(self) -> Iterator[Measure]:
        """What touches are measured by: the rule itself, or each of its steps."""
        if self.touchpoint is not None:
            yield Measure(self.id, self.touchpoint, self.when, self.schedule, self)
        for number, step in enumerate(self.steps):
            name = f"{self.id}{STEP}{number}"
            yield Measure(name, step.touchpoint, step.when, step.schedule, self)


class Measure(NamedTuple):
    """What of a rule one touch counts for, under a name of its own."""

    name: str
    touchpoint: Touchpoint
    when: tuple[Condition, ...]
    schedule: Schedule | None
    rule: EarningRule


#: Between the name of a rule and the number of a step of it.
STEP = "#"
#: Before a mark: what is noted of a touch beside its points, and earns nothing.
MARK = "~"
#: Between the name of a rule and that of a campaign with limits, which adds to it.
BONUS = "*"
#: Before the name of a group, where it stands beside names of rules.
GROUP = "+"


def rule_of(measure: str) -> str:
    """The rule that a measure is of."""
    return measure.partition(STEP)[0].partition(BONUS)[0]


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules with caps for all of them together; of one cell the first rules are served first."""

    id: str
    rules: Mapping[str, int] = field(hash=False)  # rule -> its place
    caps: Caps


@dataclass(frozen=True, slots=True)
class Campaign:
    """Multiplies what rules grant to events in ``[starts_ms, ends_ms)`` and in its schedule.

    With ``caps`` or a ``budget``, which limit what it adds to all its rules for one consumer and
    for all, that is counted under a measure of its own for each of them, ``rule*campaign``.
    """

    id: str
    starts_ms: int
    ends_ms: int | None  # None: as long as its version is in force
    multiplier: Fraction
    rules: frozenset[str] | None = None  # None: every rule
    schedule: Schedule | None = None  # None: all the time
    caps: Caps = Caps()
    budget: int | None = None  # points

    @property
    def is_limited(self) -> bool:
        """Whether what it adds is counted apart."""
        return self.caps != Caps() or self.budget is not None


#: A text in each language: ``zh-CN`` and ``en``.
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Benefit:
    """A step such as "40 % off and a gift", given from ``from_points`` on.

    ``effect`` says what it does (``{"percent_off": 40}``), ``code`` what the CRM calls it.
    """

    id: str
    from_points: int
    text: Texts = field(hash=False)
    effect: Mapping[str, int] | None = field(default=None, hash=False)
    code: str = ""


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The share of consumers, in percent, whom an experiment keeps without offers."""

    experiment: str
    percent: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Where a consumer must be known for a block: in one of each that is given."""

    apps: frozenset[str] = frozenset()  # appids where the consumer was met
    open_accounts: frozenset[str] = frozenset()  # in which their Union ID is known


@dataclass(frozen=True, slots=True)
class OfferBlock:
    """One kind of offer: for whom, from when, how long, and what it says.

    It is live for ``lifetime_ms`` after the latest touch of one of ``triggers``, or after the
    consumer has not been heard of for ``silent_days`` (0: no such trigger). ``text`` has
    ``{points}``, ``{reasons}`` and ``{benefits}``, ``short_text`` only ``{points}``.
    """

    id: str
    threshold_points: int
    triggers: frozenset[Touchpoint]
    lifetime_ms: int
    cooldown_ms: int
    text: Texts = field(hash=False)
    short_text: Texts = field(hash=False)
    benefits: tuple[Benefit, ...] = ()
    silent_days: int = 0
    audience: Audience | None = None  # everybody
    who: Who = ()  # of what classes the consumer must be


class Invited(StrEnum):
    """Whom an invitation to answer the consent question is for."""

    EVERYBODY = "everybody"
    THRESHOLD = "threshold"  # those to whom a grant would bring an offer


@dataclass(frozen=True, slots=True)
class InvitationPolicy:
    """When people who have not answered are invited to; the texts have no placeholders."""

    to: Invited
    triggers: frozenset[Touchpoint]
    lifetime_ms: int
    cooldown_ms: int
    text: Texts = field(hash=False)
    short_text: Texts = field(hash=False)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of the rules, in force from an instant until the next version's.

    Of ``offers`` the first block holds that makes a live offer. ``reason_text`` maps a language and
    a touchpoint label to a template with ``{count}``, as ``{"en": {"purchase": "{count} buys"}}``.
    """

    version: int
    effective_ms: int
    rules: Mapping[str, EarningRule] = field(hash=False)
    campaigns: tuple[Campaign, ...] = ()
    expiry_days: int | None = None  # points expire that many days after the day they are earned
    consent: ConsentMode = ConsentMode.OPT_OUT
    offers: tuple[OfferBlock, ...] = ()
    reason_text: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    control_group: ControlGroup | None = None
    invitation: InvitationPolicy | None = None
    groups: tuple[RuleGroup, ...] = ()
    combine: Combine = Combine.HIGHEST
    classes: ClassPolicy | None = None
    nudges: NudgePolicy | None = None
    by_touchpoint: Mapping[int, tuple[Measure, ...]] = field(
        init=False, hash=False, repr=False, compare=False
    )
    #: By rule, the group which it is in.
    group_of: Mapping[str, RuleGroup] = field(
        init=False, hash=False, repr=False, compare=False, default_factory=dict
    )
    #: Labels of the touchpoints for which there is a text.
    mentioned: frozenset[str] = field(init=False, repr=False, compare=False)
    #: After how many days of silence blocks make offers.
    silences: tuple[int, ...] = field(init=False, repr=False, compare=False)
    #: Rules which ask for the consumer's classes.
    judged: tuple[EarningRule, ...] = field(init=False, hash=False, repr=False, compare=False)
    #: By id, the campaigns whose bonus is counted apart.
    limited: Mapping[str, Campaign] = field(
        init=False, hash=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        judged = [rule for rule in self.rules.values() if rule.who or rule.by_tier]
        object.__setattr__(self, "judged", tuple(judged))
        grouped: dict[Touchpoint, list[Measure]] = {}
        for rule in self.rules.values():
            for measure in rule.measures:
                grouped.setdefault(measure.touchpoint, []).append(measure)
        object.__setattr__(self, "by_touchpoint", {t: tuple(m) for t, m in grouped.items()})
        groups = {rule: group for group in self.groups for rule in group.rules}
        object.__setattr__(self, "group_of", groups)
        labels = frozenset(label for texts in self.reason_text.values() for label in texts)
        object.__setattr__(self, "mentioned", labels)
        silences = sorted({block.silent_days for block in self.offers if block.silent_days})
        object.__setattr__(self, "silences", tuple(silences))
        limited = {campaign.id: campaign for campaign in self.campaigns if campaign.is_limited}
        object.__setattr__(self, "limited", limited)

    def block(self, id_: str) -> OfferBlock | None:
        """The block of offers of that id."""
        return next((block for block in self.offers if block.id == id_), None)

    @property
    def measures(self) -> Iterator[str]:
        """What points are granted by: each rule, and each campaign with limits for its rules."""
        yield from self.rules
        for campaign in self.limited.values():
            for rule in self.rules.values():
                if rule.is_multiplied and (campaign.rules is None or rule.id in campaign.rules):
                    yield f"{rule.id}{BONUS}{campaign.id}"

    @property
    def all_measures(self) -> Iterator[str]:
        """These, and the steps of rules."""
        yield from self.measures
        yield from (step.name for rule in self.rules.values() for step in rule.measures)

    def limits(self, measure: str) -> Iterator[tuple[str, Caps]]:
        """What limits the points of a measure: names and caps, first that of its own."""
        rule_id, _, campaign_id = measure.partition(BONUS)
        if campaign_id:
            campaign = self.limited.get(campaign_id)
            yield BONUS + campaign_id, campaign.caps if campaign else Caps()
        rule = self.rules.get(rule_id)
        yield rule_id, rule.caps if rule else Caps()
        if group := self.group_of.get(rule_id):
            yield GROUP + group.id, group.caps


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All versions, oldest first; an event is judged by the one in force when it happened.

    An event which is published later than its horizon after it happened is refused; payments have
    a longer one, since WeChat Pay refunds for a year. What has been taken in is kept one by one,
    and counted again whenever more about it becomes known, for ``reach_days``.
    """

    versions: tuple[RuleSet, ...]
    horizon_days: int = 35
    payment_horizon_days: int = 366
    retention_days: int = 800
    idle_days: int = 0  # after so many days without an event an unclaimed account ends; 0: never
    #: Campaigns whose budget is exhausted, and since when they count no more (ms).
    ended: Mapping[str, int] = field(default_factory=dict, hash=False)
    #: How long each touch is kept: ``retention_days``, or longer if points live or wait longer.
    reach_days: int = field(init=False, repr=False, compare=False)
    #: Whether any version knows classes of consumers, and for how many days a purchase matters.
    classed: bool = field(init=False, repr=False, compare=False)
    bought_days: int = field(init=False, repr=False, compare=False)
    #: Whether any version knows nudges.
    nudging: bool = field(init=False, repr=False, compare=False)
    #: Measures of rules which are for consumers of some classes only.
    asking: frozenset[str] = field(init=False, repr=False, compare=False)
    #: Number of the last version; 0 if there is none.
    latest: int = field(init=False, repr=False, compare=False)
    #: By measure, a name for those whose caps depend on one another in some version.
    coupled: Mapping[str, str] = field(init=False, repr=False, compare=False)
    by_version: Mapping[int, RuleSet] = field(init=False, repr=False, compare=False)
    #: By campaign, its budget in the last version that gives it one.
    budgets: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _in_force: tuple[RuleSet, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lives = [v.expiry_days + 1 for v in self.versions if v.expiry_days is not None]
        lives += [rule.pending_days + 1 for v in self.versions for rule in v.rules.values()]
        lives += [version.nudges.days for version in self.versions if version.nudges]
        lives += [n + LIFETIME_DAYS_MAX for v in self.versions for n in v.silences]
        object.__setattr__(self, "reach_days", max(self.retention_days, *lives, 0))
        object.__setattr__(self, "nudging", any(v.nudges for v in self.versions))
        policies = [v.classes for v in self.versions if v.classes is not None]
        object.__setattr__(self, "classed", bool(policies))
        object.__setattr__(self, "bought_days", max([p.days for p in policies], default=0))
        asking = (m for v in self.versions for m in v.all_measures if v.rules[rule_of(m)].who)
        object.__setattr__(self, "asking", frozenset(asking))
        object.__setattr__(self, "latest", self.versions[-1].version if self.versions else 0)
        object.__setattr__(self, "coupled", _coupled(self.versions))
        object.__setattr__(self, "by_version", {v.version: v for v in self.versions})
        given = {c.id: c.budget for v in self.versions for c in v.campaigns if c.budget is not None}
        object.__setattr__(self, "budgets", given)
        object.__setattr__(self, "_starts", tuple(v.effective_ms for v in self.versions))
        object.__setattr__(self, "_in_force", tuple(_ending(v, self.ended) for v in self.versions))

    @property
    def horizons(self) -> Horizons:
        """Within how many days an event must come."""
        return Horizons(self.horizon_days, self.payment_horizon_days)

    def at(self, time_ms: int) -> RuleSet | None:
        """The version in force at ``time_ms``; ``None`` before the first.

        A campaign which has ended ends in it, too.
        """
        i = bisect_right(self._starts, time_ms)
        return self._in_force[i - 1] if i else None

    def next_change(self, time_ms: int) -> int | None:
        """When the version after ``time_ms``'s takes effect, ms; ``None`` if it is the last."""
        i = bisect_right(self._starts, time_ms)
        return self._starts[i] if i < len(self._starts) else None


def _ending(version: RuleSet, ended: Mapping[str, int]) -> RuleSet:
    """A version in which campaigns have ended."""
    if not any(campaign.id in ended for campaign in version.campaigns):
        return version
    campaigns = []
    for campaign in version.campaigns:
        ends = [at for at in (campaign.ends_ms, ended.get(campaign.id)) if at is not None]
        campaigns.append(replace(campaign, ends_ms=min(ends, default=None)))
    return replace(version, campaigns=tuple(campaigns))


def _coupled(versions: tuple[RuleSet, ...]) -> dict[str, str]:
    """Measures which share a limit in some version, or by way of others, have the same name."""
    sharing: dict[str, set[str]] = {}
    for version in versions:
        for measure in version.measures:
            for limit, _ in version.limits(measure):
                sharing.setdefault(limit, set()).add(measure)
    coupled: dict[str, str] = {}
    for limit, measures in sharing.items():
        if len(measures) == 1 or not _binds(limit, versions):
            continue
        names = {coupled.get(measure, measure) for measure in measures}
        together = min(names)
        coupled = {m: together if name in names else name for m, name in coupled.items()}
        coupled |= dict.fromkeys(measures, together)
    return coupled


def _binds(limit: str, versions: tuple[RuleSet, ...]) -> bool:
    """Whether a limit ever limits: a rule may have no caps, and grant again and again.

    What a campaign with nothing but a budget adds to one consumer has no limit.
    """
    if limit.startswith(BONUS):
        campaigns = [version.limited.get(limit.removeprefix(BONUS)) for version in versions]
        return any(campaign and campaign.caps != Caps() for campaign in campaigns)
    rules = [version.rules[limit] for version in versions if limit in version.rules]
    return not rules or any(rule.first_time or rule.caps != Caps() for rule in rules)
