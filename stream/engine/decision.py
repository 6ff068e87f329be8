"""The core's answer to one message: new state, what to tell whom, and the count."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from stream.engine.messages import Message
from stream.engine.outcomes import Outcome
from stream.engine.payment import Payment
from stream.engine.state import Account, Erased, Origin

#: State of one entity. Which one it is follows from the first part of its key.
Entity = Account | Origin | Payment | Erased


class Channel(StrEnum):
    """The topics on which the engine speaks to the world."""

    OFFERS = "offers"
    LEDGER = "ledger"
    IDENTITY = "identity"


class Send(msgspec.Struct, frozen=True, gc=False):
    """A message to another entity, by way of the resolved log."""

    to: str  # entity key
    message: Message


class Publish(msgspec.Struct, frozen=True, gc=False):
    """An event for the world; ``data`` is of the model which ``schemas`` has for ``type``."""

    channel: Channel
    type: str
    id: str
    key: str  # consumer id, also the CloudEvents subject
    time: int  # ms
    data: Mapping[str, Any]


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What becomes true, all of it in one commit."""

    state: Entity | None  # None: nothing is stored under the key
    changed: bool = True  # False: the state need not be written
    outputs: tuple[Send | Publish, ...] = ()
    counts: Mapping[Outcome, int] = {}
    due: int | None = None  # ms; when the entity wants a tick
    ttl_s: int | None = None
    deferred: int = 0  # input records which the next posting of the account will count
