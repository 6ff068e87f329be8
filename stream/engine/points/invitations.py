# SPDX-License-Identifier: Apache-2.0
"""Invite people who have not answered the consent question to answer it.

Without an answer touches wait and no offer may be made, so an invitation names neither points nor
reasons. It is announced, like an offer, after a trigger, once in a cool-down, and ends with the
answer. Who is in the control group gets none: an invitation is contact, and would be followed by
no offer. Nor does who asked to be forgotten.
"""

from __future__ import annotations

import msgspec

from schemas import format_ms, offers
from stream.engine.model.control_group import is_kept_out, marks
from stream.engine.model.decision import Cause, Channel, Publish
from stream.engine.model.ids import digest
from stream.engine.model.ruleset import (
    ConsentMode,
    InvitationPolicy,
    Invited,
    RuleBook,
    RuleSet,
)
from stream.engine.model.state import Account, Answer, Consent, Invitation, OriginFacts
from stream.engine.points import offer_content as content
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.offer_blocks import Live, offer_by


def announce(account: Account, view: AccountView, book: RuleBook, cause: Cause) -> list[Publish]:
    """Invite, or say that an invitation is over."""
    known = account.invitation
    if known is None and not view.waiting_for_consent:
        return []
    answer = _answer(view)
    if view.enrolment is not None or answer is not None:
        if known is None or not known.open:
            return []
        known.granted = answer is Answer.GRANTED
        return close(account, cause, "enrolled" if answer is None else answer.name.lower())
    rules = book.at(cause.as_of)
    policy = rules.invitation if rules is not None else None
    if rules is None or policy is None:
        return []
    if known is not None and cause.as_of < known.at + policy.cooldown_ms:
        return []
    touchpoint, since = _trigger(policy, view)
    until = since + policy.lifetime_ms
    if since < 0 or until <= cause.as_of or not _may_invite(account, view, rules, cause):
        return []
    if policy.to is Invited.THRESHOLD and not _would_bring_an_offer(account, rules, book, cause):
        return []
    id_ = digest("invitation", cause.key, cause.as_of, cause.id)
    account.invitation = Invitation(id_, cause.as_of, until)
    body = {
        "invitation_id": id_,
        "cause": cause.id,
        "trigger": content.trigger(touchpoint, since, cause),
        "valid_until": format_ms(until),
        "as_of": format_ms(cause.as_of),
        "text": dict(policy.text),
        "short_text": dict(policy.short_text),
        **content.addressee(account, cause, rules),
    }
    return [Publish(Channel.OFFERS, offers.CONSENT_INVITED, id_, cause.key, cause.as_of, body)]


def close(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """Say that the invitation is over, unless its time is."""
    known = account.invitation
    if known is None or not known.open:
        return []
    known.open = False
    if known.valid_until <= cause.as_of:
        known.granted = False  # too late to be a consequence
        return []
    body = {
        "invitation_id": known.invitation_id,
        "consumer_id": cause.key,
        "reason": reason,
        "as_of": format_ms(cause.as_of),
        **marks(cause.control, cause.key, account),
    }
    id_ = digest("invitation closed", known.invitation_id)
    type_ = offers.CONSENT_INVITATION_CLOSED
    return [Publish(Channel.OFFERS, type_, id_, cause.key, cause.as_of, body)]


def later(mine: Invitation | None, theirs: Invitation | None) -> Invitation | None:
    """The invitation that stands when two accounts become one."""
    if mine is None or theirs is None:
        return mine or theirs
    return max(mine, theirs, key=lambda i: (i.at, i.invitation_id))


def invited_text(account: Account, book: RuleBook, as_of: int, language: str) -> str | None:
    """The invitation that was announced, in words, if it stands at ``as_of`` (ms)."""
    known, rules = account.invitation, book.at(as_of)
    policy = rules.invitation if rules is not None else None
    if known is None or not known.open or known.valid_until <= as_of or policy is None:
        return None
    return policy.text.get(language)


def _answer(view: AccountView) -> Answer | None:
    """What the person answered last; an unfollow is no answer."""
    answers = [c.answer for c in view.consents if c.answer is not Answer.PAUSED]
    return answers[-1] if answers else None


def _trigger(policy: InvitationPolicy, view: AccountView) -> tuple[int, int]:
    """The latest trigger, and when it was (ms), -1 if there is none; not before an unfollow."""
    waiting = view.waiting_for_consent.items()
    triggers = [(time, touchpoint) for touchpoint, time in waiting if touchpoint in policy.triggers]
    time, touchpoint = max(triggers, default=(-1, 0))
    paused = view.consents[-1].time if view.consents else -1
    return (touchpoint, time) if time > paused else (0, -1)


def _may_invite(account: Account, view: AccountView, rules: RuleSet, cause: Cause) -> bool:
    if view.opt_in or rules.consent is ConsentMode.OPT_OUT:
        return False
    return not is_kept_out(rules.control_group, cause.key, account)


def _would_bring_an_offer(account: Account, rules: RuleSet, book: RuleBook, cause: Cause) -> bool:
    """Whether there would be an offer if the person agreed now."""
    said = msgspec.structs.replace(
        account.facts_by_origin.get("") or OriginFacts(),
        consents={b"": Consent(cause.as_of, Answer.GRANTED)},
    )
    granted = msgspec.structs.replace(
        account, facts_by_origin={**account.facts_by_origin, "": said}
    )
    view = evaluate(granted, book, cause.as_of)
    return isinstance(offer_by(cause.key, granted, view, rules, cause.as_of), Live)
