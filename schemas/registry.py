"""Every event type: its model, and the topics on which it may arrive or is emitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from schemas import (
    answers,
    cards,
    check_in,
    coupons,
    crm,
    exports,
    identity,
    ledger,
    mall,
    mini_program,
    notices,
    offers,
    pay,
    privacy,
)
from schemas import official_account as oa
from schemas.base import Closed

TOPIC_PAY: Final = "wechat.pay"
TOPIC_OFFICIAL_ACCOUNT: Final = "wechat.official-account"
TOPIC_MINI_PROGRAM: Final = "wechat.mini-program"
TOPIC_CHECK_IN: Final = "event.check-in"
TOPIC_ENROLMENTS: Final = "crm.enrolments"
TOPIC_PRIVACY: Final = "privacy.requests"
TOPIC_OFFERS: Final = "shadow.offers"
TOPIC_LEDGER: Final = "shadow.ledger"
TOPIC_IDENTITY: Final = "shadow.identity"
TOPIC_EXPORTS: Final = "shadow.exports"
TOPIC_DEAD_LETTERS: Final = "shadow.dead-letters"

_IN: Final[dict[str, dict[str, Any]]] = {
    TOPIC_PAY: {
        pay.PAYMENT_SUCCEEDED: pay.PaymentSucceeded,
        pay.REFUND_SUCCEEDED: pay.RefundSucceeded,
        mall.MALL_AUTHORISED: mall.MallAuthorised,
        coupons.COUPON_RECEIVED: coupons.CouponReceived,
        coupons.COUPON_USED: coupons.CouponUsed,
        cards.CARD_ACCEPTED: cards.CardAccepted,
        cards.CARD_DELETED: cards.CardDeleted,
        answers.UNIONID_RESOLVED: answers.UnionidResolved,
    },
    TOPIC_OFFICIAL_ACCOUNT: {
        oa.ACCOUNT_FOLLOWED: oa.AccountFollowed,
        oa.ACCOUNT_UNFOLLOWED: oa.AccountUnfollowed,
        oa.QRCODE_SCANNED: oa.QrcodeScanned,
        oa.MENU_CLICKED: oa.MenuClicked,
        oa.LINK_VIEWED: oa.LinkViewed,
        oa.MESSAGE_RECEIVED: oa.MessageReceived,
        cards.CARD_ACCEPTED: cards.CardAccepted,
        cards.CARD_DELETED: cards.CardDeleted,
        cards.CARD_USED: cards.CardUsed,
        notices.NOTICE_DELIVERED: notices.NoticeDelivered,
        notices.SUBSCRIPTION_ANSWERED: notices.SubscriptionAnswered,
        answers.UNIONID_RESOLVED: answers.UnionidResolved,
    },
    TOPIC_MINI_PROGRAM: {
        mini_program.SESSION_LOGGED_IN: mini_program.SessionLoggedIn,
        mini_program.PAGE_VIEWED: mini_program.PageViewed,
        mini_program.PRODUCT_VIEWED: mini_program.ProductViewed,
        mini_program.CART_ADDED: mini_program.CartAdded,
        mini_program.ORDER_PLACED: mini_program.OrderPlaced,
        mini_program.CONTENT_SHARED: mini_program.ContentShared,
        mini_program.LIVESTREAM_WATCHED: mini_program.LivestreamWatched,
        mini_program.CONTENT_UPLOADED: mini_program.ContentUploaded,
        mini_program.CONVERSATION_ENTERED: mini_program.ConversationEntered,
        oa.MESSAGE_RECEIVED: oa.MessageReceived,
        notices.NOTICE_DELIVERED: notices.NoticeDelivered,
        notices.SUBSCRIPTION_ANSWERED: notices.SubscriptionAnswered,
        answers.UNIONID_RESOLVED: answers.UnionidResolved,
    },
    TOPIC_CHECK_IN: {
        check_in.ATTENDEE_REGISTERED: check_in.AttendeeRegistered,
        check_in.ATTENDEE_CHECKED_IN: check_in.AttendeeCheckedIn,
        check_in.ATTENDEE_CHECKED_OUT: check_in.AttendeeCheckedOut,
        check_in.CHECK_IN_REVERTED: check_in.CheckInReverted,
    },
    TOPIC_ENROLMENTS: {crm.MEMBER_ENROLLED: crm.MemberEnrolled},
    TOPIC_PRIVACY: {
        privacy.CONSENT_GRANTED: privacy.ConsentGranted,
        privacy.CONSENT_WITHDRAWN: privacy.ConsentWithdrawn,
        privacy.UNBIND_REQUESTED: privacy.UnbindRequested,
        answers.OPENID_CHANGED: answers.OpenidChanged,
        privacy.ERASE_REQUESTED: privacy.EraseRequested,
        privacy.EXPORT_REQUESTED: privacy.ExportRequested,
    },
}

_OUT: Final[dict[str, dict[str, Any]]] = {
    TOPIC_OFFERS: {
        offers.OFFER_ISSUED: offers.OfferIssued,
        offers.OFFER_REVISED: offers.OfferRevised,
        offers.OFFER_WITHDRAWN: offers.OfferWithdrawn,
        offers.OFFER_LAPSED: offers.OfferLapsed,
        offers.OFFER_ACCEPTED: offers.OfferAccepted,
        offers.PAYOUT_ISSUED: offers.PayoutIssued,
        offers.PAYOUT_CORRECTED: offers.PayoutCorrected,
    },
    TOPIC_LEDGER: {ledger.ENTRY_POSTED: ledger.EntryPosted},
    TOPIC_IDENTITY: {
        identity.ORIGIN_BOUND: identity.OriginBound,
        identity.ORIGIN_CONFLICTED: identity.OriginConflicted,
        identity.ORIGIN_UNBOUND: identity.OriginUnbound,
    },
    TOPIC_EXPORTS: {exports.CONSUMER_EXPORTED: exports.ConsumerExported},
}

SOURCE_TOPICS: Final = tuple(_IN)
OUTPUT_TOPICS: Final = tuple(_OUT)


@dataclass(frozen=True, slots=True)
class Contract:
    """One event type. ``direction`` is seen from the engine.

    ``validate`` turns parsed JSON into the model, or raises ``pydantic.ValidationError``.
    """

    type: str
    direction: Literal["in", "out"]
    topics: tuple[str, ...]
    adapter: TypeAdapter[Closed] = field(repr=False, compare=False)
    validate: Callable[[Any], Closed] = field(repr=False, compare=False)


_Contracts = dict[str, Contract]


def _contracts(direction: Literal["in", "out"], table: dict[str, dict[str, Any]]) -> _Contracts:
    found: _Contracts = {}
    for topic, models in table.items():
        for name, model in models.items():
            if name in found:
                found[name] = replace(found[name], topics=(*found[name].topics, topic))
                continue
            adapter: TypeAdapter[Closed] = TypeAdapter(model)
            found[name] = Contract(
                type=name,
                direction=direction,
                topics=(topic,),
                adapter=adapter,
                # bound once: going through the adapter's own method costs half a microsecond
                validate=adapter.validator.validate_python,
            )
    return found


CONTRACTS: Final = _contracts("in", _IN) | _contracts("out", _OUT)
