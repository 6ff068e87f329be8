"""What a till or the consumer's own app is told of one consumer: the offer, and what unlocks more.

Less than ``explain``: no openids, no times of touches, no rules. To nobody it says what an offer
would not: a consumer in the control group, or without consent, has no numbers here either.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from schemas import format_ms
from stream.engine.model.ruleset import OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account, LastOffer
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.offer_blocks import Live, offer_by
from stream.engine.points.offer_content import reasons_of, text_of


class ConsumerState(StrEnum):
    """What the consumer is to the brand."""

    UNKNOWN = "unknown"  # nothing is stored of them, or nothing any more
    NO_OFFER = "no_offer"  # `reason` says why
    OFFER = "offer"
    MEMBER = "member"


class EventState(StrEnum):
    """What became of the event in the request."""

    ACCEPTED = "accepted"  # Kafka has it; the answer may not count it yet
    COUNTED = "counted"  # the answer counts it


#: Reasons for which the numbers stay unsaid.
_SILENT: Final = frozenset({"consent", "control_group", "rules"})


class BenefitCard(msgspec.Struct, frozen=True):
    """A benefit, by language; of one not reached yet, the points that are missing."""

    id: str
    text: dict[str, str]
    missing_points: int = 0


class OfferCard(msgspec.Struct, frozen=True):
    """The live offer. ``valid_until`` is in UTC, RFC 3339."""

    points: int
    valid_until: str
    text: dict[str, str]
    benefits: list[BenefitCard]


class ConsumerCard(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer. Every event that was in Kafka ``age_ms`` before ``as_of`` is counted in it."""

    consumer_id: str
    state: ConsumerState
    as_of: str
    age_ms: int
    reason: str | None = None
    points: int | None = None
    missing_points: int | None = None
    offer: OfferCard | None = None
    next_benefit: BenefitCard | None = None
    event: EventState | None = None


def card_of(
    key: str, account: Account | None, book: RuleBook, as_of: int, age_ms: int
) -> ConsumerCard:
    """The card of the consumer ``key`` at ``as_of`` (ms)."""
    view = evaluate(account, book, as_of) if account is not None else None
    if account is None or view is None or view.seen == 0:
        return _card(key, ConsumerState.UNKNOWN, as_of, age_ms)
    if view.enrolment is not None:
        return _card(key, ConsumerState.MEMBER, as_of, age_ms)
    rules = book.at(as_of)
    live = offer_by(key, account, view, rules, as_of)
    if isinstance(live, str):
        if rules is None or live in _SILENT:
            return _card(key, ConsumerState.NO_OFFER, as_of, age_ms, reason=live)
        threshold = min(max(1, block.threshold_points) for block in rules.offers)
        missing = max(0, threshold - view.payable)
        return _card(
            key, ConsumerState.NO_OFFER, as_of, age_ms,
            reason=live, points=view.payable, missing_points=missing or None,
        )  # fmt: skip
    assert rules is not None
    block = rules.block(live.block)
    assert block is not None
    return _card(
        key, ConsumerState.OFFER, as_of, age_ms,
        points=live.points,
        offer=_offer(block, live, account, view, rules, book, as_of),
        next_benefit=_next_benefit(block, live),
    )  # fmt: skip


def _card(key: str, state: ConsumerState, as_of: int, age_ms: int, **more: Any) -> ConsumerCard:
    return ConsumerCard(consumer_id=key, state=state, as_of=format_ms(as_of), age_ms=age_ms, **more)


def _offer(
    block: OfferBlock, live: Live, account: Account, view: AccountView, rules: RuleSet,
    book: RuleBook, as_of: int,
) -> OfferCard:  # fmt: skip
    said = LastOffer("", 0, live.points, live.benefits, live.valid_until, as_of, live=True)
    reasons, _ = reasons_of(view, rules, book)
    return OfferCard(
        live.points,
        format_ms(live.valid_until),
        {lang: text_of(lang, block, rules, said, reasons) for lang in block.text},
        [BenefitCard(b.id, dict(b.text)) for b in block.benefits if b.id in live.benefits],
    )


def _next_benefit(block: OfferBlock, live: Live) -> BenefitCard | None:
    """The nearest benefit that more points would unlock."""
    ahead = (b for b in block.benefits if b.from_points > live.points)
    nearest = min(ahead, key=lambda b: b.from_points, default=None)
    if nearest is None:
        return None
    return BenefitCard(nearest.id, dict(nearest.text), nearest.from_points - live.points)
