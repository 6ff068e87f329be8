# SPDX-License-Identifier: Apache-2.0
"""Find every problem of a rule file beyond single values: settings of an entry that do not fit.

Each check is a pure function of one entry and yields findings relative to it. The tables list the
settings that each check reads, so that it still runs when another setting of the entry is invalid.
Checks across entries are in ``cross_checks``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import ValidationError

from stream.engine.model.fields import BASES, FIELDS
from stream.engine.model.ruleset import Op
from stream.engine.model.touchpoints import Touchpoint
from stream.language import rule_messages as say
from stream.language.message import Message, Said, either
from stream.language.yaml_messages import CHOICE
from stream.rules.class_checks import findings_about_classes
from stream.rules.cross_checks import between_entries
from stream.rules.kind_checks import (
    WITH_MONEY,
    counts_money,
    multiplies_points,
    needs_no_more_than_there_are,
    one_kind,
    touchpoint_or_steps,
)
from stream.rules.model import (
    KIND_SETTINGS,
    CampaignEntry,
    CapsEntry,
    EarnEntry,
    GroupEntry,
    InvitationEntry,
    OfferEntry,
)
from stream.rules.nudge_checks import findings_about_nudges
from stream.rules.offer_checks import (
    benefits_do_one_thing,
    has_a_trigger,
    in_version,
    lives_for_one_time,
    triggers_differ,
)
from stream.rules.schedule_checks import schedule_findings
from stream.rules.schedule_model import ScheduleEntry
from stream.yaml_config.entries import entries
from stream.yaml_config.model import Closed
from stream.yaml_config.problems import Finding, Loc, shown, suggestion
from stream.yaml_config.value_types import Operand, end_ms, start_ms

_M = TypeVar("_M", bound=Closed)
_Check = Callable[[_M], Iterator[Finding]]
_Checks = tuple[tuple[frozenset[str], _Check[_M]], ...]


def findings_in(tree: object) -> Iterator[Finding]:
    """All findings in the plain tree of a rule file."""
    for at, version in entries(tree, "versions"):
        for loc, rule in entries(version, "earn", at):
            yield from _check(EarnEntry, rule, loc, _RULE_CHECKS, _RULE)
        for loc, group in entries(version, "groups", at):
            yield from _check(GroupEntry, group, loc, _GROUP_CHECKS, _GROUP)
        for loc, campaign in entries(version, "campaigns", at):
            yield from _check(CampaignEntry, campaign, loc, _CAMPAIGN_CHECKS, _CAMPAIGN)
        yield from findings_about_classes(version, at)
        yield from findings_about_nudges(version, at)
        for loc, block in entries(version, "offers", at):
            yield from _check(OfferEntry, block, loc, _OFFER_CHECKS, _OFFER)
        invitation = version.get("invitation")
        if isinstance(invitation, dict):
            loc = (*at, "invitation")
            yield from _check(InvitationEntry, invitation, loc, _INVITATION_CHECKS, _INVITATION)
        yield from in_version(version, at)
        yield from schedule_findings(version, at)
    yield from between_entries(tree)


def _check(
    model: type[_M],
    entry: Mapping[str, object],
    at: Loc,
    checks: _Checks[_M],
    stand_in: Mapping[str, object],
) -> Iterator[Finding]:
    draft: dict[str, Any] = dict(entry)
    wrong: set[str] = set()
    try:
        valid = model.model_validate(draft)
    except ValidationError as error:
        wrong = {str(e["loc"][0]) for e in error.errors(include_url=False) if e["loc"]}
        for name in wrong:
            draft.pop(name, None)
        valid = model.model_validate(draft | {n: stand_in[n] for n in wrong & stand_in.keys()})
    for reads, check in checks:
        if not reads & wrong:
            for finding in check(valid):
                yield finding._replace(loc=(*at, *finding.loc))


# one earning rule -------------------------------------------------------------------------------

_LISTS = frozenset({Op.IN, Op.NOT_IN})
_ORDERINGS = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
_KINDS: Mapping[type, Message] = {str: say.COMPARED_WITH_TEXT, int: say.COMPARED_WITH_NUMBER}


def _one_amount(rule: EarnEntry) -> Iterator[Finding]:
    """Exactly one of ``points`` and ``points_per_yuan``."""
    fixed, rate = rule.points is not None, rule.points_per_yuan is not None
    if fixed and rate:
        yield Finding(("points_per_yuan",), say.TWO_AMOUNTS(), at_name=True)
    elif not fixed and not rate:
        yield Finding((), say.NO_AMOUNT_EARNED())


def _first_time_has_no_caps(rule: EarnEntry) -> Iterator[Finding]:
    """A first_time rule grants its points once, so a cap has no effect."""
    if rule.first_time and rule.points is not None and rule.caps.model_fields_set:
        yield Finding(("caps",), say.NO_CAPS_FOR_FIRST_TIME(), at_name=True)


def _rate_has_money(rule: EarnEntry) -> Iterator[Finding]:
    """A rate needs a touchpoint with an amount of money, and a base that the touchpoint has."""
    if rule.points_per_yuan is None:
        for name in ("base", "rounding"):
            if getattr(rule, name) is not None:
                message = say.ONLY_WITH(kinds=CHOICE(word="points_per_yuan"))
                yield Finding((name,), message, at_name=True)
        return
    if rule.touchpoint is None:
        return
    bases = BASES.get(rule.touchpoint)
    if bases is None:
        message = say.NEEDS_MONEY(touchpoints=WITH_MONEY, instead="points")
        yield Finding(("points_per_yuan",), message, at_name=True)
    elif rule.base is not None and rule.base not in bases:
        label = rule.touchpoint.label
        yield Finding(
            ("base",), say.NO_SUCH_BASE(touchpoint=label, base=rule.base, bases=either(bases))
        )


def _caps_rise(owner: EarnEntry | GroupEntry | CampaignEntry) -> Iterator[Finding]:
    """day <= week <= month <= lifetime, for those that are given."""
    known = [(n, cap) for n in CapsEntry.model_fields if (cap := getattr(owner.caps, n))]
    for (shorter, low), (longer, high) in pairwise(known):
        if high < low:
            yield Finding(("caps", longer), say.CAP_BELOW_ANOTHER(shorter=shorter, low=low))


def _caps_something(group: GroupEntry) -> Iterator[Finding]:
    if not group.caps.model_fields_set:
        yield Finding(("caps",), say.CAPS_NOTHING())


def _conditions_fit(rule: EarnEntry) -> Iterator[Finding]:
    """Each condition tests a field that the touchpoint has, with a value of its type."""
    if rule.touchpoint is not None:
        yield from _misfits(rule.touchpoint, rule.when.tests, ("when",))
    for i, step in enumerate(rule.steps):
        yield from _misfits(step.touchpoint, step.when.tests, ("steps", i, "when"))


def _misfits(
    touchpoint: Touchpoint, when: Mapping[str, Mapping[Op, Operand]], at: Loc
) -> Iterator[Finding]:
    fields = FIELDS[touchpoint]
    for name, tests in when.items():
        kind = fields.get(name)
        if kind is None:
            known = suggestion(name, {*fields, *ScheduleEntry.model_fields})
            message = say.NO_SUCH_FIELD(touchpoint=touchpoint.label, known=known)
            yield Finding((*at, name), message, at_name=True)
            continue
        for op, operand in tests.items():
            if misfit := _misfit(op, operand, kind):
                yield Finding((*at, name, op.value), misfit)


def _misfit(op: Op, operand: Operand, kind: type[str] | type[int]) -> Said | None:
    """Why a test does not fit a field of type ``kind``."""
    if op in _ORDERINGS and kind is not int:
        return say.COMPARES_NUMBERS(op=op.value)
    if op is Op.PREFIX and kind is not str:
        return say.PREFIX_IS_FOR_TEXT()
    if op in _LISTS and not isinstance(operand, tuple):
        return say.NEEDS_A_LIST(op=op.value)
    if op not in _LISTS and isinstance(operand, tuple):
        return say.TAKES_ONE_VALUE(op=op.value)
    values = operand if isinstance(operand, tuple) else (operand,)
    for value in values:
        if type(value) is not kind:  # not isinstance: a bool is an int
            return _KINDS[kind](value=shown(value))
    return None


# one campaign -----------------------------------------------------------------------------------


def _begins_before_it_ends(campaign: CampaignEntry) -> Iterator[Finding]:
    start, end = campaign.start, campaign.end
    if start is not None and end is not None and start_ms(start) >= end_ms(end):
        yield Finding(("to",), say.ENDS_BEFORE_IT_BEGINS())


def _has_a_time(campaign: CampaignEntry) -> Iterator[Finding]:
    timed = campaign.when is not None and campaign.when.model_fields_set
    if campaign.start is None and campaign.end is None and not timed:
        yield Finding((), say.NO_TIME())


def _adds_what_is_limited(campaign: CampaignEntry) -> Iterator[Finding]:
    limits = {"caps": campaign.caps.model_fields_set, "budget": campaign.budget}
    for limit, given in limits.items():
        if given and campaign.multiplier <= 1:
            yield Finding(("multiplier",), say.ADDS_NOTHING_TO_LIMIT(limit=limit))
            return


_RULE_CHECKS: _Checks[EarnEntry] = (
    (frozenset({"points", "points_per_yuan"}), _one_amount),
    (frozenset({"touchpoint", "points_per_yuan", "base", "rounding"}), _rate_has_money),
    (frozenset({"first_time", "points_per_yuan", "steps", *KIND_SETTINGS}), one_kind),
    (frozenset({"touchpoint", "steps", "when", "points_per_yuan"}), touchpoint_or_steps),
    (frozenset({"touchpoint", "every_fen"}), counts_money),
    (frozenset({"tier_multiplier", "first_time", "steps", *KIND_SETTINGS}), multiplies_points),
    (frozenset({"steps", "needed"}), needs_no_more_than_there_are),
    (frozenset({"caps"}), _caps_rise),
    (frozenset({"points", "caps", "first_time"}), _first_time_has_no_caps),
    (frozenset({"touchpoint", "when", "steps"}), _conditions_fit),
)
_GROUP_CHECKS: _Checks[GroupEntry] = (
    (frozenset({"caps"}), _caps_rise),
    (frozenset({"caps"}), _caps_something),
)
_CAMPAIGN_CHECKS: _Checks[CampaignEntry] = (
    (frozenset({"from", "to"}), _begins_before_it_ends),
    (frozenset({"from", "to", "when"}), _has_a_time),
    (frozenset({"caps"}), _caps_rise),
    (frozenset({"caps", "budget", "multiplier"}), _adds_what_is_limited),
)
_OFFER_CHECKS: _Checks[OfferEntry] = (
    (frozenset({"triggers"}), triggers_differ),
    (frozenset({"triggers", "silent_days"}), has_a_trigger),
    (frozenset({"lifetime"}), lives_for_one_time),
    (frozenset({"benefits"}), benefits_do_one_thing),
)
_INVITATION_CHECKS: _Checks[InvitationEntry] = (
    (frozenset({"triggers"}), triggers_differ),
    (frozenset({"lifetime"}), lives_for_one_time),
)

# Stand-ins for invalid or missing settings, so that the others can be checked.
_RULE = {"id": "x", "touchpoint": "purchase"}
_GROUP = {"id": "x", "rules": ["x", "y"], "caps": {"day": 1}}
_CAMPAIGN = {"id": "x", "from": "2026-01-01", "to": "2026-01-01", "multiplier": 1}
_OFFER = {
    "id": "x",
    "threshold_points": 1,
    "triggers": ["purchase"],
    "lifetime": {"days": 1},
    "cooldown_hours": 0,
    "text": {"zh-CN": "{points}", "en": "{points}"},
    "short_text": {"zh-CN": "{points}", "en": "{points}"},
}
_INVITATION = {
    "to": "everybody",
    "triggers": ["purchase"],
    "lifetime": {"days": 1},
    "text": {"zh-CN": "x", "en": "x"},
    "short_text": {"zh-CN": "x", "en": "x"},
}
