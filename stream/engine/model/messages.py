# SPDX-License-Identifier: Apache-2.0
"""The messages of the resolved log: everything that changes state, addressed to one entity.

The value of a record of the resolved topic is the pair of the addressee's key and one of these
(MessagePack). The address is not the Kafka key, which is each record's own, so that a single
record can be erased. Replaying the log from its beginning repeats every decision.
"""

from __future__ import annotations

import msgspec

from stream.engine.model.facts import Fact
from stream.engine.model.person_fields import PersonKey
from stream.engine.model.state import Evidence, Invitation, OriginFacts, Posted


class FactReceived(msgspec.Struct, frozen=True, gc=False, tag="arrived", omit_defaults=True):
    """A fact about the consumer behind ``origin``; ``claim`` says that the origin is that union.

    ``generation`` is the binding of the origin which the sender believed in. ``counted`` is true
    for an input record, which must end in exactly one outcome, and false for what the engine
    itself derives (the new net amount of a payment).
    """

    fact: Fact
    origin: PersonKey = ""  # origin key; "" when the event names only a Union ID
    claim: PersonKey = ""  # union key
    generation: int = 0
    counted: bool = True
    forwarded: bool = False  # by the origin itself, so that ``generation`` is not out of date
    epoch: int = 0  # ms; since when the origin's app has been in the account of ``claim``
    among: list[str] = []  # to a payment: the appids whose origins the claim can be about


class PaymentReported(msgspec.Struct, frozen=True, gc=False, tag="paid", omit_defaults=True):
    """To a payment: who paid, the payment as a fact, who reports it (``reporters``)."""

    origin: PersonKey
    fact: Fact
    reporter: bytes = b""


class RefundReported(msgspec.Struct, frozen=True, gc=False, tag="refunded", omit_defaults=True):
    """To a payment: one refund of it. Amounts in fen: of the order, and of what the payer paid."""

    refund_id: str
    event_id: str
    time: int  # ms
    refund_fen: int
    payer_refund_fen: int
    mchid: str = ""  # of the merchant, or the mall, who says so


class TransferIn(msgspec.Struct, frozen=True, gc=False, tag="attach"):
    """An origin's facts move to the account of the addressee, with the points they stand for."""

    origin: PersonKey
    generation: int
    facts: OriginFacts
    posted: Posted  # what the giver had posted for the facts; its balance moves along
    sender: PersonKey
    offered: bool = False  # the giver had a live offer, which is now superseded
    invitation: Invitation | None = None  # the giver's, which goes along


class TransferOut(msgspec.Struct, frozen=True, gc=False, tag="detach", omit_defaults=True):
    """To a profile: the origin is no longer yours, send its facts to ``successor``."""

    origin: PersonKey
    generation: int
    successor: PersonKey
    forget: bool = False  # do not remember that the two ever met


class Unbind(msgspec.Struct, frozen=True, gc=False, tag="unbind", omit_defaults=True):
    """To an origin: it is not this union, whatever any event has said or will say."""

    union: PersonKey
    event_id: str
    time: int  # ms
    counted: bool = True  # False: the profile says so, which has as many origins as one may have


class Alias(msgspec.Struct, frozen=True, gc=False, tag="alias", omit_defaults=True):
    """To an origin: ``origin`` is the same person, known ``since`` (ms), and has learnt all this.

    ``introduced``: a third party says so, and ``origin`` need not know yet.
    """

    origin: PersonKey
    since: int
    shared: dict[PersonKey, Evidence]
    vetoed: list[PersonKey] = []
    introduced: bool = False


class Refuse(msgspec.Struct, frozen=True, gc=False, tag="refuse"):
    """An input record which policy refuses; the owner counts it, so that the count is exact."""

    reason: str


class Erase(msgspec.Struct, frozen=True, gc=False, tag="erase", omit_defaults=True):
    """Forget everything up to ``at`` (ms); a payment forgets itself."""

    at: int
    asked: bool = False  # by the person; else the consumer was idle for too long
    by: PersonKey = ""  # the profile which says so; an origin that is another's may ignore it


class ErasureMark(msgspec.Struct, frozen=True, gc=False, tag="mark", omit_defaults=True):
    """Remember, under a name without an id, that the person was erased. Comes before the Erase."""

    at: int
    asked: bool = False


class Disown(msgspec.Struct, frozen=True, gc=False, tag="disown"):
    """Forget that ``person`` (a key) was ever met: they were erased up to ``at`` (ms)."""

    person: PersonKey
    at: int


class Tick(msgspec.Struct, frozen=True, gc=False, tag="tick"):
    """Time passes in a partition: settle at most ``limit`` entities which are due."""

    limit: int


class RulesChanged(msgspec.Struct, frozen=True, gc=False, tag="ruled", omit_defaults=True):
    """To a partition: from here on these are its rules (``stream.engine.model.ruling``)."""

    at: int  # ms; when they were published, 0 for the first rules of a log
    book: bytes  # of stream.engine.model.rule_versions.dump_book
    ended: dict[str, int] = {}  # as the partition stores it: campaigns that ended, and when (ms)


class CampaignEnded(msgspec.Struct, frozen=True, gc=False, tag="ended"):
    """To a partition: what happens from ``at`` (ms) on counts no more for a campaign."""

    campaign: str
    at: int


Message = (
    FactReceived
    | PaymentReported
    | RefundReported
    | TransferIn
    | TransferOut
    | Unbind
    | Alias
    | Refuse
    | Erase
    | ErasureMark
    | Disown
    | Tick
    | RulesChanged
    | CampaignEnded
)

#: Address of ticks, which are for a partition and not for an entity.
TICK_TO = "tick"
#: Address of rules, which are for a partition, too.
RULES_TO = "rules"

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[tuple[str, Message]]
_decoder = msgspec.msgpack.Decoder(tuple[str, Message])


def encode(to: str, message: Message) -> bytes:
    """The value of a record of the resolved log, for an entity by its key, or for a partition."""
    return _encoder.encode((to, message))


def decode(value: bytes) -> tuple[str, Message]:
    """The address and the message.

    Raises ``msgspec.MsgspecError`` or ``UnicodeDecodeError`` for bytes which no engine wrote.
    """
    return _decoder.decode(value)
