# SPDX-License-Identifier: Apache-2.0
"""The touchpoints: their words in rule files and offers, and the numbers that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, unique


@unique
class Touchpoint(IntEnum):
    """An interaction of one consumer with the brand.

    The numbers are stored in accounts and in the resolved log: never renumber, only append.
    The lower-case name (``touchpoint.label``) is the word used in rule files and offers.
    """

    PURCHASE = 1
    FOLLOW = 2
    UNFOLLOW = 3
    SCAN = 4
    MENU_CLICK = 5
    LINK_VIEW = 6
    MESSAGE = 7
    LOGIN = 8
    PAGE_VIEW = 9
    PRODUCT_VIEW = 10
    ADD_TO_CART = 11
    ORDER = 12
    SHARE = 13
    LIVE_STREAM = 14
    UPLOAD = 15
    REGISTRATION = 16
    CHECK_IN = 17
    CHECK_OUT = 18
    COUPON_RECEIVED = 19
    COUPON_USED = 20
    CARD_ACCEPTED = 21
    CARD_DELETED = 22
    CARD_USED = 23
    MALL_AUTHORISED = 24
    CONVERSATION = 25
    NOTICE = 26
    SUBSCRIPTION = 27
    IDENTIFIED = 28  # WeChat said who an origin is
    BIRTHDAY = 29  # a day, which comes by itself once it is known

    @property
    def label(self) -> str:
        """The word for it in rule files and offers."""
        return LABELS[self]


#: Number -> label.
LABELS: Mapping[int, str] = {touchpoint: touchpoint.name.lower() for touchpoint in Touchpoint}
