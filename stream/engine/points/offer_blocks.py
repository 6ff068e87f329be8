# SPDX-License-Identifier: Apache-2.0
"""Choose a consumer's offer: the first block of the rules that makes a live one.

Live or not, and N, follow from the account, the view, the rules and ``as_of`` alone. What was
announced may differ for a while: :func:`outdated` says when that must end at once.
"""

from __future__ import annotations

import msgspec

from stream.engine.model.classes import fits
from stream.engine.model.control_group import is_kept_out
from stream.engine.model.ids import origin_parts, scope_of
from stream.engine.model.ruleset import Audience, ConsentMode, OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account, LastOffer
from stream.engine.points.balance import AccountView, consent_at

#: Why a block makes no offer; the later in the list, the nearer it came.
_REASONS = ("audience", "below_threshold", "lapsed")


class Live(msgspec.Struct, frozen=True):
    """A live offer: N points until ``valid_until`` (ms), with the benefits reached.

    Of the points, ``pending`` would not be paid at once. ``trigger`` is the touchpoint that set it
    off at ``since`` (ms), 0 for silence.
    """

    points: int
    valid_until: int
    benefits: list[str]
    pending: int = 0
    block: str = ""
    trigger: int = 0
    since: int = 0


def live_offer(
    key: str, account: Account, view: AccountView, book: RuleBook, as_of: int
) -> Live | str:
    """The live offer, or why there is none (a reason of ``offer.withdrawn``, or ``lapsed``)."""
    return offer_by(key, account, view, book.at(as_of), as_of)


def offer_by(
    key: str, account: Account, view: AccountView, rules: RuleSet | None, as_of: int
) -> Live | str:
    """The same by one version of the rules."""
    if rules is None or not rules.offers:
        return "rules"
    if not may_contact(view, rules, as_of):
        return "consent"
    if is_kept_out(rules.control_group, key, account):
        return "control_group"
    reason = _REASONS[0]
    for block in rules.offers:
        found = offer_of(block, key, account, view, as_of)
        if isinstance(found, Live):
            return found
        reason = max(reason, found, key=_REASONS.index)
    return reason


def offer_of(
    block: OfferBlock, key: str, account: Account, view: AccountView, as_of: int
) -> Live | str:
    """The live offer that a block makes, or why it makes none."""
    if not is_for(block, key, account, view):
        return "audience"
    payable = view.payable
    if payable < max(1, block.threshold_points):
        return "below_threshold"
    since, trigger = _triggered(block, view)
    until = since + block.lifetime_ms
    if since < 0 or until <= as_of:
        return "lapsed"
    benefits = [b.id for b in block.benefits if payable >= b.from_points]
    return Live(payable, until, benefits, view.waiting, block.id, trigger, since)


def outdated(last: LastOffer, live: Live, held: Live | str, as_of: int) -> bool:
    """Whether what was announced promises more than what is true.

    ``held`` is the offer that the announced block makes now, ``live`` what the consumer has.
    """
    if held is not live and (isinstance(held, str) or held.valid_until < last.valid_until):
        return True
    same_block = live.block == last.block
    return (
        live.points < last.points
        or live.points - live.pending < last.points - last.pending
        or (same_block and live.valid_until < last.valid_until)  # its trigger was taken back
        or last.valid_until <= as_of
        or (live.benefits != last.benefits and not {*last.benefits} <= {*live.benefits})
    )


def differs(last: LastOffer, live: Live) -> bool:
    """Whether there is anything else to announce than a later end."""
    return live.points != last.points or live.benefits != last.benefits or live.block != last.block


def held_offer(
    last: LastOffer, live: Live, key: str, account: Account, view: AccountView, rules: RuleSet,
    as_of: int,
) -> Live | str:  # fmt: skip
    """The offer that the announced block makes now, be it the consumer's or not."""
    if live.block == last.block:
        return live
    block = rules.block(last.block)
    return offer_of(block, key, account, view, as_of) if block is not None else "rules"


def is_for(block: OfferBlock, key: str, account: Account, view: AccountView) -> bool:
    """Whether a consumer is among those whom a block is for."""
    known = block.audience is None or _is_known(block.audience, key, account)
    return known and fits(block.who, view.classes)


def _is_known(audience: Audience, key: str, account: Account) -> bool:
    if audience.apps and not any(
        origin and origin_parts(origin)[0] in audience.apps and (facts.touches or facts.archived)
        for origin, facts in account.facts_by_origin.items()
    ):
        return False
    return not audience.open_accounts or scope_of(key) in audience.open_accounts


def _triggered(block: OfferBlock, view: AccountView) -> tuple[int, int]:
    """When (ms) the offer was set off last, and by which touchpoint (0: silence); -1: never."""
    since = view.silent.get(block.silent_days, -1) if block.silent_days else -1
    trigger = 0
    triggers = block.triggers
    for touchpoint, time in view.latest.items():
        if touchpoint in triggers and (time > since or (time == since and touchpoint < trigger)):
            since, trigger = time, touchpoint
    return since, trigger


def may_contact(view: AccountView, rules: RuleSet, as_of: int) -> bool:
    """Whether the consumer may be told of: by the last answer, or what silence means."""
    answer = consent_at(view.consents, as_of) if view.consents else None
    if answer is None:
        return not view.opt_in and rules.consent is ConsentMode.OPT_OUT
    return answer
