# SPDX-License-Identifier: Apache-2.0
"""What a till or the consumer's own app is told of one consumer: the offer, and what unlocks more.

Less than ``explain``: no openids, no times of touches, no rules. To nobody it says what an offer
would not: a consumer in the control group, or without consent, has no numbers here either.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from schemas import format_ms
from stream.engine.audit.standing import classes_of, progress_of
from stream.engine.model.ruleset import OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.offer_blocks import Live, offer_by
from stream.engine.points.offer_content import reachable, reasons_of, text_of
from stream.engine.points.reachability import channels_of


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


class TierCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """The level, and the net spend (fen) that is missing to the next one."""

    level: str | None = None
    next: str | None = None
    missing_fen: int | None = None


class ChannelCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A way to reach the consumer, as in offers, without the openid."""

    channel: str
    appid: str
    until: str | None = None
    template_id: str | None = None
    left: int | None = None
    last_visit: str | None = None


class ProgressCard(msgspec.Struct, frozen=True):
    """How far a rule that counts several events together is on the way to its next points."""

    rule: str
    done: int
    of: int


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
    tier: TierCard | None = None
    progress: list[ProgressCard] = []
    channels: list[ChannelCard] = []
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
    if rules is None or (isinstance(live, str) and live in _SILENT):
        return _card(key, ConsumerState.NO_OFFER, as_of, age_ms, reason=live)
    more = _standing(account, view, book, as_of) | {"points": view.payable}
    if isinstance(live, str):
        threshold = min(max(1, block.threshold_points) for block in rules.offers)
        missing_points = max(0, threshold - view.payable) or None
        more |= {"reason": live, "missing_points": missing_points}
        return _card(key, ConsumerState.NO_OFFER, as_of, age_ms, **more)
    block = rules.block(live.block)
    assert block is not None
    more["offer"] = _offer(block, live, view, rules, book)
    more["next_benefit"] = _next_benefit(block, live)
    return _card(key, ConsumerState.OFFER, as_of, age_ms, **more)


def _standing(account: Account, view: AccountView, book: RuleBook, as_of: int) -> dict[str, Any]:
    """Tier, progress and channels."""
    found: dict[str, Any] = {
        "progress": [ProgressCard(**row) for row in progress_of(view, book, as_of)],
        "channels": [
            ChannelCard(**{name: value for name, value in channel.items() if name != "openid"})
            for channel in channels_of(account, reachable(account), as_of)
        ],
    }
    classes = classes_of(view, book, as_of)
    if classes and "spent_fen" in classes:  # there are tiers
        found["tier"] = TierCard(
            classes.get("tier"), classes.get("next"), classes.get("missing_fen")
        )
    return found


def _card(key: str, state: ConsumerState, as_of: int, age_ms: int, **more: Any) -> ConsumerCard:
    return ConsumerCard(consumer_id=key, state=state, as_of=format_ms(as_of), age_ms=age_ms, **more)


def _offer(
    block: OfferBlock, live: Live, view: AccountView, rules: RuleSet, book: RuleBook
) -> OfferCard:
    reasons, _ = reasons_of(view, rules, book)
    return OfferCard(
        live.points,
        format_ms(live.valid_until),
        {lang: text_of(lang, block, rules, live, reasons) for lang in block.text},
        [BenefitCard(b.id, dict(b.text)) for b in block.benefits if b.id in live.benefits],
    )


def _next_benefit(block: OfferBlock, live: Live) -> BenefitCard | None:
    """The nearest benefit that more points would unlock."""
    ahead = (b for b in block.benefits if b.from_points > live.points)
    nearest = min(ahead, key=lambda b: b.from_points, default=None)
    if nearest is None:
        return None
    return BenefitCard(nearest.id, dict(nearest.text), nearest.from_points - live.points)
