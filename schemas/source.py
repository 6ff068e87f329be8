# SPDX-License-Identifier: Apache-2.0
"""A source: one record that describes an input event type to the engine.

A contract module lists the records of its types beside their models, and
``schemas.registry.SOURCES`` lists the modules. Everything else about sources derives from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

#: What rules may test.
Value = str | int | bool
FieldTypes = Mapping[str, type[str] | type[int]]
Key = Callable[["Event"], str]


class Role(Enum):
    """What the engine does with an event."""

    TOUCH = auto()  # a touchpoint: rules may give points for it
    REVERSAL = auto()  # takes back the touchpoint that has the same key, for good
    PAYMENT = auto()  # a touchpoint whose amounts refunds lower
    REFUND = auto()  # of a payment
    ENROLMENT = auto()  # the consumer is a member: ``data.member_id``
    CONSENT = auto()  # the consumer answered the consent question
    BIRTHDAY = auto()  # on which day the consumer has it: ``data.birthday``
    REQUEST = auto()  # to unbind, to erase, to export


class Proof(Enum):
    """What an event proves about who somebody is."""

    UNION = auto()  # the origin is ``data.unionid`` in the account of ``data.appid``
    PAYER = auto()  # and the same consumer made the payment that the event names
    ALIAS = auto()  # the origin is the same person as the origin ``data.former``


class Reporter(IntEnum):
    """Who reports a payment; the lowest is believed first. Stored: never renumber."""

    MERCHANT = 0  # WeChat told the merchant who was paid
    MALL = 1  # WeChat told the mall that the shop is in
    TILL = 2  # only a client of the gateway says so


class Refund(NamedTuple):
    """One refund, as ``merchant`` reports it; fen of the order, and of what the payer paid."""

    id: str
    order_fen: int
    payer_fen: int
    merchant: str


#: Amounts that every payment has, in fen: of the order, and of what the payer paid for it.
PAYMENT_FIELDS = ("total_fen", "payer_total_fen")
_WITHOUT_TOUCHPOINT = frozenset(
    {Role.REFUND, Role.ENROLMENT, Role.CONSENT, Role.BIRTHDAY, Role.REQUEST}
)


def _merchant(data: Any) -> Reporter:
    return Reporter.MERCHANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input event type. Raises ``ValueError`` for a record that contradicts itself.

    ``model`` may be a union of models. The model's property ``origin`` is ``(appid, openid)``;
    ``union`` is ``(open_account, unionid)``; either may be missing or ``None``.
    """

    type: str
    model: Any
    topics: tuple[str, ...]
    key: Key  # the business key: equal for two records of the same event
    people: tuple[str, ...]  # fields, at any depth, that are ids of people
    role: Role = Role.TOUCH
    touchpoint: Touchpoint | None = None
    fields: FieldTypes = field(default_factory=dict)  # what rules may test, apart from ``appid``
    #: Reads ``appid`` and the fields; without it they are attributes of these names.
    values: Callable[[Any], dict[str, Value]] | None = None
    bases: tuple[str, ...] = ()  # fields that a rate may be based on, its default first
    happened: Callable[[Any], datetime] | None = None  # without it, at the event's time
    proves: frozenset[Proof] = frozenset()
    payment: str = ""  # the field that names a payment
    payments: str = ""  # the payment system that numbers them; WeChat Pay has no name
    refund: Callable[[Any], Refund] | None = None
    reporter: Callable[[Any], Reporter] = _merchant
    reaches_all: bool = False  # it concerns all whom it names, even if they are two people
    by_gateway: bool = True  # the gateway may publish it

    def __post_init__(self) -> None:
        for wrong, what in (
            ((self.touchpoint is None) is not (self.role in _WITHOUT_TOUCHPOINT), "touchpoint"),
            (self.role is Role.REVERSAL and self.happened is None, "happened"),
            ((self.role is Role.REFUND) is not (self.refund is not None), "refund"),
            (self.role in (Role.PAYMENT, Role.REFUND) and not self.payment, "payment"),
            (self.role is Role.PAYMENT and not self.fields.keys() >= {*PAYMENT_FIELDS}, "fields"),
            (any(self.fields.get(base) is not int for base in self.bases), "bases"),
            (Proof.PAYER in self.proves and not self.payment, "proves"),
            ("." in self.payments, "payments"),
        ):
            if wrong:
                raise ValueError(f"{self.type}: {what} does not fit the rest of its source record")


# --- business keys --------------------------------------------------------------------------------


def by_id(event: Event) -> str:
    """The producer's own id tells events apart."""
    return f"{event.type}:{event.source}:{event.id}"


def by_instant(event: Event) -> str:
    """One of its type and its ``event_key`` at one time, for one origin.

    WeChat's own advice (FromUserName + CreateTime), which has a resolution of a second.
    """
    data: Any = event.data
    where = getattr(data, "event_key", None) or ""
    return f"{event.type}:{data.appid}:{data.openid}:{event.time_ms}:{where}"


def by_fields(*names: str) -> Key:
    """One of its type with these values, for one origin."""

    def key(event: Event) -> str:
        data: Any = event.data
        values = ":".join(str(getattr(data, name) or "") for name in names)
        return f"{event.type}:{data.appid}:{data.openid}:{values}"

    return key


def by_number(*names: str) -> Key:
    """One of its type with these values, whomever it names."""

    def key(event: Event) -> str:
        values = ":".join(str(getattr(event.data, name)) for name in names)
        return f"{event.type}:{values}"

    return key


def by_payment(name: str, payments: str = "") -> Key:
    """One payment of a payment system, whoever reports it; ``name`` is the field of its number."""
    prefix = f"payment:{payments}." if payments else "payment:"

    def key(event: Event) -> str:
        return f"{prefix}{getattr(event.data, name)}"

    return key
