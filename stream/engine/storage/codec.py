# SPDX-License-Identifier: Apache-2.0
"""Entities as bytes: MessagePack arrays, about a fifth of what JSON with names would take.

The touches of a heavy account stand in pages (``stream.engine.model.touches``), each a piece of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stream.engine.model.decision import Entity
from stream.engine.model.limits import TAILS_BYTES_MAX
from stream.engine.model.page import Page
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account, Erased, Origin
from stream.engine.model.touches import Touches
from stream.engine.storage.payment_packing import pack, unpack
from stream.tables.pieces import Pieces, head_of, join, split, stored

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    "union": msgspec.msgpack.Decoder(Account),
    "origin": msgspec.msgpack.Decoder(Origin),
    "tx": msgspec.msgpack.Decoder(list),
    "erased": msgspec.msgpack.Decoder(Erased),
}


def _passing_over(name: str) -> msgspec.msgpack.Decoder[Any]:
    """A decoder of origins which leaves one field as it is."""
    fields = [
        (field.name, msgspec.Raw if field.name == name else field.type, _default(field))
        for field in msgspec.structs.fields(Origin)
    ]
    return msgspec.msgpack.Decoder(msgspec.defstruct("_Bare", fields, array_like=True))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default


_bare = _passing_over("account")
_ACCOUNT = Origin.__struct_fields__.index("account")


def load_bare_origin(value: bytes) -> Origin:
    """A stored origin without its account, where only the person behind it is asked for."""
    found = list(msgspec.structs.astuple(_bare.decode(head_of(value))))
    found[_ACCOUNT] = None
    return Origin(*found)


def load_entity(key: str, value: bytes, *, lazy: bool = False) -> Entity:
    """The entity stored under ``key``; raises ``msgspec.MsgspecError`` for foreign bytes.

    ``lazy``: its pages are read when something is asked of them, and may raise then.
    """
    kind, _, name = key.partition(".")
    try:
        head, pages = split(value)
    except ValueError as error:
        raise msgspec.ValidationError(str(error)) from None
    entity: Entity = _decoders[kind].decode(head)
    if isinstance(entity, list):
        return unpack(entity, name)
    for touches in _touches_of(entity):
        if not pages.keys() >= set(touches.paged):
            raise msgspec.ValidationError("a page is missing")
        touches.sealed = [pages[number] for number in touches.paged]
        if not lazy:
            touches.read()
    return entity


def dump_entity(entity: Entity) -> bytes:
    """The inverse of :func:`load_entity`: all of it as one value."""
    pieces = dump_pieces(entity, whole=True)
    if not pieces.numbers:
        return pieces.head
    return join(stored(pieces), [pieces.changed[number] for number in pieces.numbers])


def dump_pieces(entity: Entity, *, whole: bool = False) -> Pieces:
    """What to store of an entity: its head and the pages which changed, or all of them."""
    if isinstance(entity, Payment):
        return Pieces(_encoder.encode(pack(entity)))
    some = _touches_of(entity)
    for touches in some:
        touches.shed()
    _seal(some)
    if not any(touches.sealed for touches in some):
        return Pieces(_encoder.encode(entity))
    changed = _number(some, whole)
    numbers = [number for touches in some for number in touches.paged]
    kept = [touches.sealed for touches in some]
    for touches in some:
        touches.sealed, touches.changed = [], []
    head = _encoder.encode(entity)
    for touches, sealed in zip(some, kept, strict=True):
        touches.sealed = sealed
    return Pieces(head, numbers, changed)


def _touches_of(entity: Entity) -> list[Touches]:
    account = entity.account if isinstance(entity, Origin) else entity
    if not isinstance(account, Account):
        return []
    return [origin_facts.touches for origin_facts in account.facts_by_origin.values()]


def _seal(some: list[Touches]) -> None:
    """Move the heaviest tails to pages, until the rest is light."""
    while some and sum([len(t.tail.rows) for t in some]) + _odd_weight(some) > TAILS_BYTES_MAX:
        max(some, key=lambda touches: touches.tail.weight).seal()


def _odd_weight(some: list[Touches]) -> int:
    return sum([t.tail.weight - len(t.tail.rows) for t in some if t.tail.odd or t.tail.amounts])


def _number(some: list[Touches], whole: bool) -> Mapping[int, bytes]:
    """Give every sealed page a number; answers the pages to write."""
    changed: dict[int, bytes] = {}
    number = max((n for touches in some for n in touches.paged), default=-1)
    for touches in some:
        for place, page in enumerate(touches.sealed):
            if place >= len(touches.paged):
                number += 1
                touches.paged = [*touches.paged, number]
            elif not (whole or place in touches.changed):
                continue
            changed[touches.paged[place]] = page if isinstance(page, bytes) else _encoded(page)
    return changed


def _encoded(page: Page) -> bytes:
    if page.rows:
        page.summed()
    return _encoder.encode(page)
