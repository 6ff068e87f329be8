# SPDX-License-Identifier: Apache-2.0
"""The result of applying a message (new state, outputs, counts), and the cause it is given."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from stream.engine.model.messages import Message
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment
from stream.engine.model.ruleset import ControlGroup
from stream.engine.model.state import Account, Erased, Origin

#: State of one entity. Which one it is follows from the first part of its key.
Entity = Account | Origin | Payment | Erased


class Channel(StrEnum):
    """The topics that the engine writes for readers."""

    LEDGER = "ledger"
    OFFERS = "offers"
    IDENTITY = "identity"
    TRAITS = "traits"


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why something happens now: the consumer's key, the event behind it, and ``as_of`` (ms).

    ``deferred``: only the state in the end is of interest, so posting may wait. ``control`` is the
    control group of the experiment which is on. ``touchpoint`` and ``time`` (ms) are those of the
    event, if it is a touch.
    """

    key: str
    id: str
    as_of: int
    deferred: bool = False
    control: ControlGroup | None = None
    touchpoint: int = 0
    time: int = -1


class Send(msgspec.Struct, frozen=True, gc=False):
    """A message to another entity, by way of the resolved log."""

    to: str  # entity key
    message: Message


class Publish(msgspec.Struct, frozen=True, gc=False):
    """An event for readers; ``data`` is of the model which ``schemas`` has for ``type``."""

    channel: Channel
    type: str
    id: str
    key: str  # consumer id, also the CloudEvents subject
    time: int  # ms
    data: Mapping[str, Any]


class Decision(msgspec.Struct, frozen=True, gc=False):
    """All that one commit makes true."""

    state: Entity | None  # None: nothing is stored under the key
    changed: bool = True  # False: the state need not be written
    outputs: tuple[Send | Publish, ...] = ()
    counts: Mapping[Outcome, int] = {}
    due: int | None = None  # ms; when the entity wants a tick
    ttl_s: int | None = None
    deferred: int = 0  # input records which the next posting of the account will count
