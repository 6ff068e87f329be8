# SPDX-License-Identifier: Apache-2.0
"""Derive the lookup that an event calls for: of what, through which interface, until when.

getPaidUnionId answers for 5 minutes after a payment in a mini-program. user/info and its batchget
answer about followers of an Official Account at any time. No other interface leads from an openid
to a Union ID. A hint of a shop calls for the detail of an order. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas import Event, shop, time_ms
from schemas import official_account as oa
from schemas.pay import PAYMENT_SUCCEEDED, DirectPayment, PartnerPayment
from schemas.wechat_identity import OPENID_CHANGED, UNIONID_RESOLVED

#: getPaidUnionId's window after ``success_time``.
PAID_WINDOW_MS: Final = 300_000


class Lane(StrEnum):
    """Lookups that share a limit, so that one kind does not crowd out another."""

    PAYERS = "payers"
    FOLLOWERS = "followers"
    ORDERS = "orders"


class Api(StrEnum):
    """WeChat's interfaces, most urgent first; ``unionid.resolved.v1`` uses the words of three."""

    PAID = "get_paid_unionid"
    INFO = "user_info"
    BATCH = "batchget"
    ORDER = "order_get"
    AFTER_SALE = "after_sale_get"

    @property
    def lane(self) -> Lane:
        """The lane of its lookups."""
        return _LANES.get(self, Lane.ORDERS)


_LANES: Final[Mapping[Api, Lane]] = {
    Api.PAID: Lane.PAYERS,
    Api.INFO: Lane.FOLLOWERS,
    Api.BATCH: Lane.FOLLOWERS,
}


@dataclass(frozen=True, slots=True)
class Lookup:
    """An origin whose Union ID is wanted, since the time of its event, until the deadline."""

    api: Api
    appid: str
    openid: str
    since_ms: int
    by_ms: int
    transaction_id: str = ""

    @property
    def origin(self) -> tuple[str, str]:
        """``(appid, openid)``"""
        return self.appid, self.openid

    @property
    def key(self) -> tuple[str, str, str]:
        """Lookups with the same key are one lookup."""
        return self.appid, self.openid, self.transaction_id

    @property
    def answers(self) -> tuple[str, str, str]:
        """The key of all lookups that a Union ID answers."""
        return self.appid, self.openid, ""


@dataclass(frozen=True, slots=True)
class OrderLookup:
    """An order of a shop, or an after-sale (by ``api``), whose detail is wanted.

    WeChat sets no window. ``since_ms`` is the time of the hint.
    """

    api: Api
    appid: str
    number: str
    since_ms: int
    by_ms: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Lookups with the same key are one lookup."""
        return self.appid, self.api, self.number

    @property
    def answers(self) -> tuple[str, str, str]:
        """The key itself: an answer is about one order."""
        return self.key


AnyLookup = Lookup | OrderLookup


#: Events that do not show a follower, or that are themselves the result of a lookup.
_NO_LOOKUP: Final = frozenset({oa.ACCOUNT_UNFOLLOWED, UNIONID_RESOLVED, OPENID_CHANGED})


def lookup_of(event: Event, kinds: Mapping[str, str], patience_ms: int) -> Lookup | None:
    """The lookup that an event calls for, if any.

    ``kinds``, by appid, has the apps that can be looked up. ``patience_ms`` is how long a lookup
    may wait for which WeChat sets no window.
    """
    data: Any = event.data
    if event.type == PAYMENT_SUCCEEDED:
        return _of_payment(data, kinds, patience_ms)
    origin = getattr(data, "origin", None)
    if origin is None or event.type in _NO_LOOKUP or getattr(data, "unionid", None):
        return None
    appid, openid = origin
    if kinds.get(appid) != "official_account":
        return None
    api = Api.INFO if event.type == oa.ACCOUNT_FOLLOWED else Api.BATCH
    return Lookup(api, appid, openid, event.time_ms, event.time_ms + patience_ms)


def _of_payment(data: Any, kinds: Mapping[str, str], patience_ms: int) -> Lookup | None:
    """Mall payments are skipped: they were not made in the app that the event names."""
    if not isinstance(data, DirectPayment | PartnerPayment):
        return None
    appid, openid = data.origin
    at = time_ms(data.success_time)
    match kinds.get(appid):
        case "mini_program":
            return Lookup(Api.PAID, appid, openid, at, at + PAID_WINDOW_MS, data.transaction_id)
        case "official_account":
            return Lookup(Api.BATCH, appid, openid, at, at + patience_ms)
        case _:
            return None


def order_lookup(hint: shop.ShopOrderChanged, since_ms: int, by_ms: int) -> OrderLookup:
    """The lookup that a shop's hint of ``since_ms`` calls for."""
    if hint.after_sale_order_id is None:
        return OrderLookup(Api.ORDER, hint.appid, hint.order_id, since_ms, by_ms)
    return OrderLookup(Api.AFTER_SALE, hint.appid, hint.after_sale_order_id, since_ms, by_ms)
