# SPDX-License-Identifier: Apache-2.0
"""What the peers keep and send from stage to stage, as MessagePack arrays."""

from __future__ import annotations

from msgspec import Struct, field, msgpack


class Payment(Struct, array_like=True):
    """What a refund must find: whose payment it was, when, and what is left of it in fen."""

    origin: str
    time_ms: int
    fen: int


class Told(Struct, array_like=True):
    """The offer as the CRM knows it."""

    offer_id: str
    revision: int
    points: int
    live: bool


class Account(Struct, array_like=True):
    """A consumer, or an origin which nobody knows more about."""

    cells: dict[str, dict[int, int]] = field(default_factory=dict)  # rule -> day -> before caps
    granted: dict[str, int] = field(default_factory=dict)  # rule -> after caps
    balance: int = 0
    entries: int = 0
    offers: int = 0
    counts: dict[str, int] = field(default_factory=dict)  # touchpoint -> how many
    latest_ms: int = 0
    origins: list[str] = field(default_factory=list)
    told: Told | None = None
    moved_to: str = ""  # an origin which has been bound: who has its account now


class Touch(Struct, array_like=True, tag=1):
    """One touchpoint. A refund is a purchase with another amount before and after."""

    to: str
    cause: str
    origin: str
    touchpoint: str
    time_ms: int
    fen_before: int = 0
    fen_after: int = 0
    again: bool = False  # a refund: the touchpoint has been counted


class Bind(Struct, array_like=True, tag=2):
    """To an origin: it is this consumer."""

    to: str
    cause: str
    union: str


class Merge(Struct, array_like=True, tag=3):
    """To a consumer: the account of an origin."""

    to: str
    cause: str
    origin: str
    account: Account


Message = Touch | Bind | Merge

_encoder = msgpack.Encoder()
dump = _encoder.encode
load_account = msgpack.Decoder(Account).decode
load_payment = msgpack.Decoder(Payment).decode
load_message = msgpack.Decoder(Message).decode
