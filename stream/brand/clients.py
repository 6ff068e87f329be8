# SPDX-License-Identifier: Apache-2.0
"""First-party API clients: their keys, event types, rights, and the limits of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas import (
    CONTRACTS,
    check_in,
    coupons,
    crm,
    mall,
    mini_program,
    pay,
    privacy,
    wechat_identity,
)

KEY_BYTES_MIN: Final = 32  # the length of an HMAC-SHA256


class ClientKind(StrEnum):
    """What a client is; limits which event types it may report."""

    TILL = "till"  # in the shop: payments without a WeChat notification, check-ins
    BACKEND = "backend"  # a server of the brand's, which may name people itself
    SDK = "sdk"  # in a mini-program: the session token identifies the person


class Right(StrEnum):
    """Permission beyond a client's types; granted in the client's entry only.

    The first two are for events that merge people.
    """

    CHANGE_OPENID = "change_openid"  # openid.changed.v1
    NAME_PAYER = "name_payer"  # coupon.received.v1 with a transaction_id
    LOOK_UP = "look_up"  # what is known of the consumers of its apps and merchants


#: Event types that need a right.
RIGHT_FOR: Final = MappingProxyType({wechat_identity.OPENID_CHANGED: Right.CHANGE_OPENID})
#: Event types that a client may report for its own merchant numbers only.
OF_MERCHANTS: Final = frozenset({pay.PAYMENT_SUCCEEDED, pay.REFUND_SUCCEEDED, mall.MALL_AUTHORISED})

#: The CRM publishes these to Kafka itself, with its own Kafka user.
_CRM: Final = frozenset(
    {
        crm.MEMBER_ENROLLED,
        privacy.UNBIND_REQUESTED,
        privacy.ERASE_REQUESTED,
        privacy.EXPORT_REQUESTED,
    }
)
#: The event types that each kind of client may be granted. Anyone can make an SDK report anything,
#: so an SDK gets only types that earn little and are capped; servers report orders and uploads.
TYPES: Final[dict[ClientKind, frozenset[str]]] = {
    ClientKind.TILL: frozenset(
        {
            pay.PAYMENT_SUCCEEDED,
            pay.REFUND_SUCCEEDED,
            coupons.COUPON_USED,
            check_in.ATTENDEE_REGISTERED,
            check_in.ATTENDEE_CHECKED_IN,
            check_in.ATTENDEE_CHECKED_OUT,
            check_in.CHECK_IN_REVERTED,
        }
    ),
    ClientKind.BACKEND: frozenset(t for t, c in CONTRACTS.items() if c.direction == "in") - _CRM,
    ClientKind.SDK: frozenset(
        {
            mini_program.PAGE_VIEWED,
            mini_program.PRODUCT_VIEWED,
            mini_program.CART_ADDED,
            mini_program.CONTENT_SHARED,
            mini_program.LIVESTREAM_WATCHED,
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Client:
    """``keys`` has the current key and, during a key change, the previous one.

    It may report the event types in ``types``, about people of the apps in ``appids`` and payments
    of the merchants in ``mchids``.
    """

    id: str
    kind: ClientKind
    keys: tuple[bytes, ...] = field(repr=False)
    types: frozenset[str]
    appids: frozenset[str]
    mchids: frozenset[str] = frozenset()
    rights: frozenset[Right] = frozenset()
