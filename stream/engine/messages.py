"""The messages of the resolved log: everything that changes state, addressed to one entity.

The value of a record of the resolved topic is the pair of the addressee's key and one of these
(MessagePack). The address is not the Kafka key, which is each record's own, so that a single
record can be erased. Replaying the log from its beginning repeats every decision.
"""

from __future__ import annotations

import msgspec

from stream.engine.facts import Fact
from stream.engine.state import Evidence, Posted, Strand


class Arrived(msgspec.Struct, frozen=True, gc=False, tag="arrived", omit_defaults=True):
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
    forwarded: bool = False  # by the origin itself, so that ``generation`` is not out of date
    epoch: int = 0  # ms; since when the origin's app has been in the account of ``claim``
    among: list[str] = []  # to a payment: the appids whose origins the claim can be about


class Paid(msgspec.Struct, frozen=True, gc=False, tag="paid"):
    """To a payment: who paid, and the payment as a fact."""

    origin: str
    fact: Fact


class Refunded(msgspec.Struct, frozen=True, gc=False, tag="refunded"):
    """To a payment: one refund of it. Amounts in fen: of the order, and of what the payer paid."""

    refund_id: str
    event_id: str
    time: int  # ms
    refund_fen: int
    payer_refund_fen: int


class Attach(msgspec.Struct, frozen=True, gc=False, tag="attach"):
    """An origin's strand moves to the account of the addressee, with the points it stands for."""

    origin: str
    generation: int
    strand: Strand
    posted: Posted  # what the giver had posted for the strand; its balance moves along
    sender: str
    offered: bool = False  # the giver had a live offer, which is now superseded


class Detach(msgspec.Struct, frozen=True, gc=False, tag="detach", omit_defaults=True):
    """To a profile: the origin is no longer yours, hand its strand to ``heir``."""

    origin: str
    generation: int
    heir: str
    forget: bool = False  # nobody need remember that the two ever met


class Unbind(msgspec.Struct, frozen=True, gc=False, tag="unbind"):
    """To an origin: it is not this union, whatever any event has said or will say."""

    union: str
    event_id: str
    time: int  # ms


class Kin(msgspec.Struct, frozen=True, gc=False, tag="kin", omit_defaults=True):
    """To an origin: ``origin`` is the same person, known ``since`` (ms), and knows all this."""

    origin: str
    since: int
    shared: dict[str, Evidence]
    vetoed: list[str] = []


class Refuse(msgspec.Struct, frozen=True, gc=False, tag="refuse"):
    """An input record which policy refuses; the owner counts it, so that the count is exact."""

    reason: str


class Erase(msgspec.Struct, frozen=True, gc=False, tag="erase", omit_defaults=True):
    """Forget everything up to ``at`` (ms); a payment forgets itself."""

    at: int
    asked: bool = False  # by the person; else nobody has been seen for too long
    by: str = ""  # the profile which says so; an origin that is another's by now need not mind


class Mark(msgspec.Struct, frozen=True, gc=False, tag="mark", omit_defaults=True):
    """Remember, under a name without an id, that the person was erased. Comes before the Erase."""

    at: int
    asked: bool = False


class Disown(msgspec.Struct, frozen=True, gc=False, tag="disown"):
    """Forget that ``person`` (a key) was ever met: they were erased up to ``at`` (ms)."""

    person: str
    at: int


class Tick(msgspec.Struct, frozen=True, gc=False, tag="tick"):
    """Time passes in a partition: settle at most ``limit`` entities which are due."""

    limit: int


Message = (
    Arrived
    | Paid
    | Refunded
    | Attach
    | Detach
    | Unbind
    | Kin
    | Refuse
    | Erase
    | Mark
    | Disown
    | Tick
)

#: Address of ticks, which are for a partition and not for an entity.
TICK_TO = "tick"

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[tuple[str, Message]]
_decoder = msgspec.msgpack.Decoder(tuple[str, Message])


def encode(to: str, message: Message) -> bytes:
    """The value of a record of the resolved log; ``to`` is an entity's key, or ``TICK_TO``."""
    return _encoder.encode((to, message))


def decode(value: bytes) -> tuple[str, Message]:
    """The address and the message.

    Raises ``msgspec.MsgspecError`` or ``UnicodeDecodeError`` for bytes which no engine wrote.
    """
    return _decoder.decode(value)
