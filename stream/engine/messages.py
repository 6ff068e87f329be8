"""The messages of the resolved log: everything that changes state, addressed to one entity.

A record of the resolved topic has the entity's key as its Kafka key and one of these as its
value (MessagePack). Replaying the log from its beginning repeats every decision.
"""

from __future__ import annotations

import msgspec

from stream.engine.facts import Fact
from stream.engine.state import Posted, Strand


class Arrived(msgspec.Struct, frozen=True, tag="arrived", omit_defaults=True):
    """A fact about the consumer behind ``origin``; ``claim`` says that the origin is that union.

    ``generation`` is the binding of the origin which the sender believed in. ``counted`` is true
    for an input record, which must end in exactly one outcome, and false for what the engine
    itself derives (the new net amount of a payment).
    """

    fact: Fact
    origin: str = ""  # origin key; "" when the event names only a Union ID
    claim: str = ""  # union key
    generation: int = 0
    counted: bool = True


class Paid(msgspec.Struct, frozen=True, tag="paid"):
    """To a payment: who paid, and the payment as a fact."""

    origin: str
    fact: Fact


class Refunded(msgspec.Struct, frozen=True, tag="refunded"):
    """To a payment: one refund of it. Amounts in fen: of the order, and of what the payer paid."""

    refund_id: str
    event_id: str
    time: int  # ms
    refund_fen: int
    payer_refund_fen: int


class Attach(msgspec.Struct, frozen=True, tag="attach"):
    """An origin's strand moves to the account of the addressee, with the points it stands for."""

    origin: str
    generation: int
    strand: Strand
    posted: Posted  # what the giver had posted for the strand; its balance moves along
    sender: str
    offered: bool = False  # the giver had a live offer, which is now superseded


class Detach(msgspec.Struct, frozen=True, tag="detach"):
    """To a profile: the origin is no longer yours, hand its strand to ``heir``."""

    origin: str
    generation: int
    heir: str


class Unbind(msgspec.Struct, frozen=True, tag="unbind"):
    """To an origin: it is not this union, whatever any event has said or will say."""

    union: str
    event_id: str
    time: int  # ms


class Refuse(msgspec.Struct, frozen=True, tag="refuse"):
    """An input record which policy refuses; the owner counts it, so that the count is exact."""

    reason: str


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """Time passes in a partition: settle at most ``limit`` entities which are due."""

    limit: int


Message = Arrived | Paid | Refunded | Attach | Detach | Unbind | Refuse | Tick

#: Kafka key of tick records, which are addressed to a partition and not to an entity.
TICK_KEY = "tick"

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """The value of a record of the resolved log."""
    return _encoder.encode(message)


def decode(value: bytes) -> Message:
    """Raises ``msgspec.MsgspecError`` for bytes which no engine wrote."""
    return _decoder.decode(value)
