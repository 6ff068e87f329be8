# SPDX-License-Identifier: Apache-2.0
"""Every event type: its model, and the topics where it is read or written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from schemas import (
    check_in,
    coupons,
    crm,
    erased,
    exports,
    identity,
    ledger,
    mall,
    member_cards,
    mini_program,
    mini_program_pay,
    notices,
    offers,
    pay,
    privacy,
    rulesets,
    shop,
    traits,
    wechat_identity,
)
from schemas import official_account as oa
from schemas.base import Closed
from schemas.source import Source
from schemas.topics import (
    TOPIC_EXPORTS,
    TOPIC_IDENTITY,
    TOPIC_LEDGER,
    TOPIC_OFFERS,
    TOPIC_RULES,
    TOPIC_SHOP,
    TOPIC_TRAITS,
)

#: What the engine reads, by event type. A new source is one more line here.
SOURCES: Final[tuple[Source, ...]] = (
    *pay.SOURCES,
    *mini_program_pay.SOURCES,
    *oa.SOURCES,
    *mini_program.SOURCES,
    *check_in.SOURCES,
    *crm.SOURCES,
    *privacy.SOURCES,
    *coupons.SOURCES,
    *member_cards.SOURCES,
    *mall.SOURCES,
    *notices.SOURCES,
    *shop.SOURCES,
    *wechat_identity.SOURCES,
)

#: What the resolver asks WeChat about, by topic. The engine does not read these topics.
_HINTS: Final[dict[str, dict[str, Any]]] = {
    TOPIC_SHOP: {shop.SHOP_ORDER_CHANGED: shop.ShopOrderChanged},
}

_ERASED: Final[dict[str, Any]] = {erased.RECORD_ERASED: erased.RecordErased}
_OUT: Final[dict[str, dict[str, Any]]] = {
    TOPIC_OFFERS: {
        offers.OFFER_ISSUED: offers.OfferIssued,
        offers.OFFER_REVISED: offers.OfferRevised,
        offers.OFFER_WITHDRAWN: offers.OfferWithdrawn,
        offers.OFFER_LAPSED: offers.OfferLapsed,
        offers.OFFER_ACCEPTED: offers.OfferAccepted,
        offers.CONSENT_INVITED: offers.ConsentInvited,
        offers.CONSENT_INVITATION_CLOSED: offers.ConsentInvitationClosed,
        offers.PAYOUT_ISSUED: offers.PayoutIssued,
        offers.PAYOUT_CORRECTED: offers.PayoutCorrected,
        **_ERASED,
    },
    TOPIC_LEDGER: {ledger.ENTRY_POSTED: ledger.EntryPosted, **_ERASED},
    TOPIC_IDENTITY: {
        identity.ORIGIN_BOUND: identity.OriginBound,
        identity.ORIGIN_CONFLICTED: identity.OriginConflicted,
        identity.ORIGIN_UNBOUND: identity.OriginUnbound,
        identity.PAYMENT_DISPUTED: identity.PaymentDisputed,
        **_ERASED,
    },
    TOPIC_TRAITS: {
        traits.TIER_CHANGED: traits.TierChanged,
        traits.SEGMENT_CHANGED: traits.SegmentChanged,
        traits.TAGS_CHANGED: traits.TagsChanged,
        traits.NUDGE_DUE: traits.NudgeDue,
        traits.NUDGE_WITHDRAWN: traits.NudgeWithdrawn,
        **_ERASED,
    },
    TOPIC_EXPORTS: {exports.CONSUMER_EXPORTED: exports.ConsumerExported, **_ERASED},
    TOPIC_RULES: {
        rulesets.RULESET_PUBLISHED: rulesets.RulesetPublished,
        rulesets.CAMPAIGN_ENDED: rulesets.CampaignEnded,
    },
}

SOURCE_OF: Final = {source.type: source for source in SOURCES}
assert len(SOURCE_OF) == len(SOURCES), "two sources have one event type"
SOURCE_TOPICS: Final = tuple(dict.fromkeys(topic for s in SOURCES for topic in s.topics))
OUTPUT_TOPICS: Final = tuple(_OUT)
HINT_TOPICS: Final = tuple(_HINTS)


@dataclass(frozen=True, slots=True)
class Contract:
    """One event type. ``direction`` is seen from the engine; it never sees a ``hint``.

    ``validate`` turns parsed JSON into the model, or raises ``pydantic.ValidationError``. What we
    emit may have fields which a later version of the model brought; as a reader, it passes over
    them. ``adapter`` takes exactly the model's own.
    """

    type: str
    direction: Literal["in", "out", "hint"]
    topics: tuple[str, ...]
    adapter: TypeAdapter[Closed] = field(repr=False, compare=False)
    validate: Callable[[Any], Closed] = field(repr=False, compare=False)


def _in(source: Source) -> Contract:
    adapter: TypeAdapter[Closed] = TypeAdapter(source.model)
    # bound once: going through the adapter's own method costs half a microsecond
    return Contract(source.type, "in", source.topics, adapter, adapter.validator.validate_python)


def _hint(topic: str, type_: str, model: Any) -> Contract:
    adapter: TypeAdapter[Closed] = TypeAdapter(model)
    return Contract(type_, "hint", (topic,), adapter, adapter.validator.validate_python)


def _out(type_: str, model: Any) -> Contract:
    adapter: TypeAdapter[Closed] = TypeAdapter(model)
    topics = tuple(topic for topic, models in _OUT.items() if type_ in models)
    validate = partial(adapter.validator.validate_python, extra="ignore")
    return Contract(type_, "out", topics, adapter, validate)


CONTRACTS: Final = {
    **{source.type: _in(source) for source in SOURCES},
    **{
        type_: _hint(topic, type_, model)
        for topic, models in _HINTS.items()
        for type_, model in models.items()
    },
    **{type_: _out(type_, model) for models in _OUT.values() for type_, model in models.items()},
}
