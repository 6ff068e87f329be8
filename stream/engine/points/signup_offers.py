# SPDX-License-Identifier: Apache-2.0
"""Announce offers: "sign up now for N points". What holds, ``offer_blocks`` says.

The cool-down of a block limits how often its offer is announced, never what is true: a fall of N,
a benefit that is lost, a withdrawal and an acceptance are announced at once; a first offer, a rise
and another block wait for it. That a later trigger has prolonged an offer is announced a day before
its announced end, whatever the cool-down.
"""

from __future__ import annotations

from typing import Any

from schemas import format_ms
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.control_group import marks
from stream.engine.model.decision import Cause, Channel, Publish
from stream.engine.model.ids import digest
from stream.engine.model.ruleset import OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account, LastOffer
from stream.engine.points import offer_content as content
from stream.engine.points.balance import AccountView
from stream.engine.points.balance import evaluate as count
from stream.engine.points.ledger import pending_points
from stream.engine.points.offer_blocks import (
    Live,
    differs,
    held_offer,
    offer_by,
    offer_of,
    outdated,
)


def announce(account: Account, view: AccountView, book: RuleBook, cause: Cause) -> list[Publish]:
    """Publish the difference between the offer that the CRM saw last and the one that holds now.

    Wakes the view where the cool-down delays it.
    """
    last = account.last_offer
    if view.enrolment is not None:
        if last is None or not last.live:
            return []
        last.live, last.accepted = False, True
        more = {"member_id": view.enrolment.member_id, **pending_points(view)}
        return [_close(account, cause, "accepted", points=max(0, view.payable), **more)]
    if view.payable > 0 and (starts_ms := book.next_change(cause.as_of)):
        view.wake(starts_ms)
    rules = book.at(cause.as_of)
    live = offer_by(cause.key, account, view, rules, cause.as_of)
    if isinstance(live, str):
        return retract(account, cause, _reason(live, account, view, rules, cause))
    assert rules is not None
    return _announce_live(account, live, view, rules, book, cause)


def retract(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """End the live offer, if there is one, without acceptance."""
    last = account.last_offer
    if last is None or not last.live:
        return []
    last.live = False
    if reason == "erased":
        reason = "consent"
    if reason == "lapsed":
        return [_close(account, cause, "lapsed")]
    return [_close(account, cause, "withdrawn", reason=reason)]


def announced_text(
    key: str, account: Account, book: RuleBook, as_of: int, language: str
) -> str | None:
    """The offer that was announced, in words, if it holds as it is at ``as_of`` (ms)."""
    last, rules = account.last_offer, book.at(as_of)
    if last is None or not last.live or rules is None:
        return None
    block = rules.block(last.block)
    if block is None or language not in block.text:
        return None
    now = count(account, book, as_of)
    live = offer_by(key, account, now, rules, as_of)
    if isinstance(live, str) or live.block != last.block or outdated(last, live, live, as_of):
        return None
    reasons, _ = content.reasons_of(now, rules, book)
    return content.text_of(language, block, rules, last, reasons)


def _reason(
    live: str, account: Account, view: AccountView, rules: RuleSet | None, cause: Cause
) -> str:
    """Why an offer ends: for which its own block makes none, where it is a matter of blocks."""
    last, block = account.last_offer, None
    if rules is not None and last is not None and live not in ("rules", "consent", "control_group"):
        block = rules.block(last.block)
    held = offer_of(block, cause.key, account, view, cause.as_of) if block is not None else live
    return held if isinstance(held, str) else live


def _announce_live(
    account: Account, live: Live, view: AccountView, rules: RuleSet, book: RuleBook, cause: Cause
) -> list[Publish]:
    block, last = rules.block(live.block), account.last_offer
    assert block is not None
    quiet_until = last.announced_at + block.cooldown_ms if last else cause.as_of
    if last and last.live:
        held = held_offer(last, live, cause.key, account, view, rules, cause.as_of)
        if not outdated(last, live, held, cause.as_of):
            assert isinstance(held, Live)
            end = _looked_at(last, held, rules.block(last.block) or block)
            if cause.as_of < end:
                if not differs(last, live):
                    view.wake(end)
                    return []
                if cause.as_of < quiet_until:
                    view.wake(min(quiet_until, end))
                    return []
        revision, offer_id, word = last.revision + 1, last.offer_id, "revised"
    else:
        if cause.as_of < quiet_until:
            view.wake(quiet_until)
            return []
        account.offers += 1
        offer_id = digest("offer", cause.key, account.offers, cause.id)
        revision, word = 1, "issued"
    account.last_offer = LastOffer(
        offer_id,
        revision,
        live.points,
        live.benefits,
        live.valid_until,
        announced_at=cause.as_of,
        live=True,
        pending=live.pending,
        block=live.block,
    )
    view.wake(live.valid_until)
    body = _body(account.last_offer, live, account, view, block, rules, book, cause)
    id_ = digest("offer", offer_id, revision)
    return [Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)]


def _looked_at(last: LastOffer, held: Live, block: OfferBlock) -> int:
    """When (ms) an offer must be announced again if nothing else happens.

    A longer one a day before its announced end, so that no consumer lets it go meanwhile.
    """
    if held.valid_until <= last.valid_until:
        return last.valid_until
    return last.valid_until - min(DAY_MS, block.lifetime_ms // 2)


def _close(account: Account, cause: Cause, word: str, **more: Any) -> Publish:
    last = account.last_offer
    assert last is not None
    last.revision += 1
    body = {
        "offer_id": last.offer_id,
        "consumer_id": cause.key,
        "revision": last.revision,
        "as_of": format_ms(cause.as_of),
        **marks(cause.control, cause.key, account),
        **more,
    }
    id_ = digest("offer", last.offer_id, last.revision)
    return Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)


def _body(
    last: LastOffer,
    live: Live,
    account: Account,
    view: AccountView,
    block: OfferBlock,
    rules: RuleSet,
    book: RuleBook,
    cause: Cause,
) -> dict[str, Any]:
    body = {
        "offer_id": last.offer_id,
        "revision": last.revision,
        "block": block.id,
        "cause": cause.id,
        "trigger": content.trigger(live.trigger, live.since, cause),
        "points": last.points,
        **pending_points(view),
        "valid_until": format_ms(last.valid_until),
        "as_of": format_ms(cause.as_of),
        **content.words(block, rules, last, *content.reasons_of(view, rules, book)),
        **content.addressee(account, cause, rules),
    }
    invitation = account.invitation
    if invitation is not None and invitation.granted:
        body["invitation_id"] = invitation.invitation_id
    return body
