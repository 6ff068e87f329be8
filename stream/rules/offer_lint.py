# SPDX-License-Identifier: Apache-2.0
"""Warn about offers and invitations that are valid but probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from schemas.registry import SOURCES
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from stream.engine.model.ruleset import Invited
from stream.engine.model.touchpoints import Touchpoint
from stream.language import lint_messages as say
from stream.language.message import Message, Said, either, listed
from stream.rules.compile import HOUR_MS, lifetime_ms
from stream.rules.known_apps import KnownApps
from stream.rules.model import InvitationEntry, OfferEntry, VersionEntry
from stream.yaml_config.problems import Finding, shown, suggestion

#: The kinds of apps that the events of a topic come from.
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    TOPIC_OFFICIAL_ACCOUNT: ("official_account",),
    TOPIC_MINI_PROGRAM: ("mini_program", "mobile_app", "website"),
}


def offer_warnings(
    version: VersionEntry, most: int | None, apps: KnownApps | None
) -> Iterator[Finding]:
    """Warnings about a valid version in which nobody has more than ``most`` points at once.

    About apps only if they are known.
    """
    for i, block in enumerate(version.offers):
        found = chain(
            _without_benefit(block),
            _unannounced(block),
            _out_of_reach(block, most),
            _no_trigger_happens(block, apps, say.NO_TRIGGER_HAPPENS),
            _unknown_apps(block, apps),
            _never_reached(block, version.offers[:i]),
        )
        for finding in found:
            yield finding._replace(loc=("offers", i, *finding.loc))
    if version.control_group and version.control_group.percent == 100:
        yield Finding(("control_group", "percent"), say.NO_OFFERS_FOR_ANYONE())
    if invitation := version.invitation:
        for finding in _no_trigger_happens(invitation, apps, say.NO_INVITATION_HAPPENS):
            yield finding._replace(loc=("invitation", *finding.loc))
        if invitation.to is Invited.THRESHOLD and not version.offers:
            yield Finding(("invitation", "to"), say.INVITES_TO_NOTHING())


def _without_benefit(block: OfferEntry) -> Iterator[Finding]:
    if any(step.from_points <= block.threshold_points for step in block.benefits):
        return
    for language, text in (("zh-CN", block.text.zh_cn), ("en", block.text.en)):
        if "{benefits}" in text:
            yield Finding(("text", language), say.OFFER_WITHOUT_BENEFIT())


def _unannounced(block: OfferEntry) -> Iterator[Finding]:
    if block.cooldown_hours * HOUR_MS > lifetime_ms(block.lifetime):
        [(unit, number)] = block.lifetime.model_dump(exclude_none=True).items()
        message = say.MAY_LAPSE_UNANNOUNCED(unit=unit, number=number)
        yield Finding(("cooldown_hours",), message)


def _out_of_reach(block: OfferEntry, most: int | None) -> Iterator[Finding]:
    if most is None:
        return
    message = say.OUT_OF_REACH(most=most) if most else say.NOTHING_TO_REACH()
    if block.threshold_points > most:
        yield Finding(("threshold_points",), message)
        return
    for i, step in enumerate(block.benefits):
        if step.from_points > most:
            yield Finding(("benefits", i, "from_points"), message)


def _no_trigger_happens(
    entry: OfferEntry | InvitationEntry, apps: KnownApps | None, message: Message
) -> Iterator[Finding]:
    if isinstance(entry, OfferEntry) and entry.silent_days is not None:
        return
    reasons = [_why_never(trigger, apps) for trigger in entry.triggers]
    if all(reasons):
        why = listed(dict.fromkeys(reason for reason in reasons if reason))
        yield Finding(("triggers",), message(why=why))


def _why_never(trigger: Touchpoint, apps: KnownApps | None) -> Said | None:
    """Why a touchpoint leads to no offer and no invitation, if it does not."""
    if trigger is Touchpoint.UNFOLLOW and not (apps and apps.keep_consent):
        return say.AFTER_UNFOLLOW()
    topics = {topic for s in SOURCES if s.touchpoint is trigger for topic in s.topics}
    if apps is None or not topics or not topics <= _KINDS.keys():
        return None
    kinds = [kind for topic in sorted(topics) for kind in _KINDS[topic]]
    return None if {*kinds} & {*apps.kinds.values()} else say.NO_APP_OF_KIND(kinds=either(kinds))


def _unknown_apps(block: OfferEntry, apps: KnownApps | None) -> Iterator[Finding]:
    if apps is None or block.audience is None:
        return
    for i, appid in enumerate(block.audience.apps or ()):
        if appid not in apps.kinds:
            message = say.UNKNOWN_APP(appid=shown(appid), known=suggestion(appid, apps.kinds))
            yield Finding(("for", "apps", i), message)
    for i, account in enumerate(block.audience.open_accounts or ()):
        if account not in apps.open_accounts:
            known = suggestion(account, apps.open_accounts)
            message = say.UNKNOWN_ACCOUNT(account=shown(account), known=known)
            yield Finding(("for", "open_accounts", i), message)


def _never_reached(block: OfferEntry, above: tuple[OfferEntry, ...]) -> Iterator[Finding]:
    """Another one above is for everybody whom this is for, and lives as long from then on."""
    for other in above:
        if (
            other.audience in (None, block.audience)
            and other.who in ({}, block.who)
            and other.threshold_points <= block.threshold_points
            and {*other.triggers} >= {*block.triggers}
            and block.silent_days in (None, other.silent_days)
            and lifetime_ms(other.lifetime) >= lifetime_ms(block.lifetime)
        ):
            yield Finding(("id",), say.BLOCK_NEVER_REACHED(other=other.id))
            return
