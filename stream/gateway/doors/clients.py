"""Who may use the signed door, and for what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas import CONTRACTS, check_in, coupons, crm, mini_program, pay, privacy

KEY_BYTES_MIN: Final = 32  # the length of what HMAC-SHA256 makes


class ClientKind(StrEnum):
    """What a client is; it bounds which events it may report at all."""

    TILL = "till"  # in the shop: payments which WeChat notifies nobody of, tickets at the door
    BACKEND = "backend"  # a server of the brand's, which may name people itself
    SDK = "sdk"  # in a mini-program: it names nobody, a session token says who it is


#: Who pays out, undoes binds and has people erased writes to Kafka with a user of its own.
_CRM: Final = frozenset(
    {
        crm.MEMBER_ENROLLED,
        privacy.UNBIND_REQUESTED,
        privacy.ERASE_REQUESTED,
        privacy.EXPORT_REQUESTED,
    }
)
#: The types of which a client may be given some. What an SDK says anybody can make it say, so it
#: reports only what earns little and is capped; orders and uploads are a server's to report.
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
    """``keys`` holds the current key and, while it is being changed, the previous one.

    ``types`` are the event types it may report, ``appids`` the apps whose people it may name.
    """

    id: str
    kind: ClientKind
    keys: tuple[bytes, ...] = field(repr=False)
    types: frozenset[str]
    appids: frozenset[str]
