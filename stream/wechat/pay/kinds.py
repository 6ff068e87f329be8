# SPDX-License-Identifier: Apache-2.0
"""The kinds of notifications: the closed set of words that metrics count them by.

WeChat Pay's v3 documents name about a hundred notifications. Those that say nothing, or too
little, about a consumer and the brand are only counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType


@unique
class Kind(StrEnum):
    """The kind of a notification; only those of the first group become events."""

    PAYMENT = "payment"
    PARTNER_PAYMENT = "partner_payment"
    COMBINE_PAYMENT = "combine_payment"
    PARKING_PAYMENT = "parking_payment"
    PAY_SCORE_PAYMENT = "pay_score_payment"
    REFUND = "refund"
    PARTNER_REFUND = "partner_refund"
    MALL_PAYMENT = "mall_payment"
    MALL_REFUND = "mall_refund"
    MALL_AUTHORISATION = "mall_authorisation"
    COUPON_RECEIVED = "coupon_received"
    COUPON_USED = "coupon_used"
    CARD_ACCEPTED = "card_accepted"
    CARD_DELETED = "card_deleted"
    CARD_VIEWED = "card_viewed"  # an event where it has a Union ID
    CARD_CHANGED = "card_changed"  # the same

    #: No event, because the notification or the merchant's entry lacks something.
    PAYMENT_NOT_MADE = "payment_not_made"
    NO_PAYMENT = "no_payment"  # by its name a payment, without payer and amount
    PARKING_INCOMPLETE = "parking_incomplete"
    FOREIGN_CURRENCY = "foreign_currency"
    REFUND_NOT_MADE = "refund_not_made"
    NO_REFUND = "no_refund"  # the same of a refund, without number and amount
    MALL_APP_NOT_SET = "mall_app_not_set"
    COUPON_APP_NOT_SET = "coupon_app_not_set"
    COUPON_OF_NOBODY = "coupon_of_nobody"
    COUPON_WITHOUT_PAYMENT = "coupon_without_payment"
    CARD_APP_NOT_SET = "card_app_not_set"

    #: Not used here.
    CARD_POINTS = "card_points"
    PROFIT_SHARING = "profit_sharing"
    SECURITY_ECHO = "security_echo"
    AGREEMENT = "agreement"  # agreed deductions: signed, ended
    PAY_SCORE = "pay_score"  # all but what was paid through WeChat Pay
    DISCOUNT_CARD = "discount_card"
    COMPANY_PAYMENT = "company_payment"
    SCHOOL_PAYMENT = "school_payment"
    REPAYMENT = "repayment"  # of money that WeChat Pay had advanced
    INSURANCE = "insurance"
    VEHICLE = "vehicle"
    TRANSFER = "transfer"
    RECHARGE = "recharge"
    INVOICE = "invoice"
    COMPLAINT = "complaint"
    MARKETING = "marketing"
    MERCHANT = "merchant"  # the merchant's own standing with WeChat Pay
    OTHER = "other"


#: By the whole event type, or by its first part; without ``_SP``.
EVENT_TYPES: Mapping[str, Kind] = MappingProxyType(
    {
        "ABNORMAL_FUND_PROCESSING": Kind.TRANSFER,
        "APPLYMENT_STATE": Kind.MERCHANT,
        "BLOCKRECORD": Kind.MERCHANT,
        "BLOCKSUBMISSION": Kind.MERCHANT,
        "BRAND_MEMBER_CARD.POINT_EXCHANGE_COUPON": Kind.CARD_POINTS,
        "BRAND_MEMBER_CARD.SYNC_USER_POINT": Kind.CARD_POINTS,
        "BUDGET": Kind.MERCHANT,
        "COMPLAINT": Kind.COMPLAINT,
        "CREDIT_REPAYMENT": Kind.AGREEMENT,
        "CROSS_BORDER_PAY": Kind.MERCHANT,
        "DELIVERY_PLAN": Kind.MARKETING,
        "DISCOUNT_CARD": Kind.DISCOUNT_CARD,
        "ECOMMERCE_ENTRUST": Kind.AGREEMENT,
        "EDU_SCHOOL_PAY": Kind.SCHOOL_PAYMENT,
        "ENTRUST": Kind.AGREEMENT,
        "FACEPAY": Kind.AGREEMENT,
        "FAPIAO": Kind.INVOICE,
        "HIRE_POWER_BANK": Kind.INSURANCE,
        "INSURANCE_ENTRUST": Kind.INSURANCE,
        "INSURANCE_POLICY_MANAGEMENT": Kind.INSURANCE,
        "MANAGERECORD": Kind.MERCHANT,
        "MCHTRANSFER": Kind.TRANSFER,
        "MCHWITHDRAW": Kind.MERCHANT,
        "MEDICAL_INSURANCE": Kind.INSURANCE,
        "MERCHANT_NOTIFY": Kind.MERCHANT,
        "PAPAY": Kind.AGREEMENT,
        "PARKING_FEE": Kind.VEHICLE,
        "PAYSCORE": Kind.PAY_SCORE,
        "PRODUCT_COUPON.IMAGE_GENERATION": Kind.MARKETING,
        "PROFITSHARING": Kind.PROFIT_SHARING,
        "RECHARGE": Kind.RECHARGE,
        "REFUND.ABNORMAL": Kind.REFUND_NOT_MADE,
        "REFUND.CLOSED": Kind.REFUND_NOT_MADE,
        "RISKTRADE": Kind.MERCHANT,
        "SECURITY_ECHO": Kind.SECURITY_ECHO,
        "SETTLEMENT": Kind.MERCHANT,
        "TRANSACTION.FAIL": Kind.PAYMENT_NOT_MADE,
        "TRANSACTION.INDUSTRY_FAILED": Kind.SCHOOL_PAYMENT,
        "TRANSACTION.INDUSTRY_SUCCESS": Kind.SCHOOL_PAYMENT,
        "TRANSACTION.PAY_BACK": Kind.REPAYMENT,
        "VEHICLE": Kind.VEHICLE,
        "VIOLATION": Kind.MERCHANT,
        "WEBIZPAY": Kind.COMPANY_PAYMENT,
    }
)


def without_provider(event_type: str) -> str:
    """The event type without ``_SP``: providers and brand merchants hear of the same by two names.

    ``PRODUCT_COUPON_SP.SEND`` and ``PRODUCT_COUPON.SEND`` have the same payload.
    """
    product, dot, rest = event_type.partition(".")
    return f"{product.removesuffix('_SP')}{dot}{rest}"


def kind_of(event_type: str) -> Kind:
    """The kind of a notification that becomes no event."""
    event_type = without_provider(event_type)
    whole = EVENT_TYPES.get(event_type)
    return whole or EVENT_TYPES.get(event_type.partition(".")[0], Kind.OTHER)
