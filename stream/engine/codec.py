"""Entities as bytes: MessagePack arrays, about a fifth of what JSON with names would take."""

from __future__ import annotations

from typing import Any

import msgspec

from stream.engine.decision import Entity
from stream.engine.packing import pack, unpack
from stream.engine.payment import Payment
from stream.engine.state import Account, Erased, Origin

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
    """A stored origin without its account, for whoever asks only whose it is."""
    found = list(msgspec.structs.astuple(_bare.decode(value)))
    found[_ACCOUNT] = None
    return Origin(*found)


def load_entity(key: str, value: bytes) -> Entity:
    """The entity stored under ``key``; raises ``msgspec.MsgspecError`` for foreign bytes."""
    kind, _, name = key.partition(".")
    entity: Entity = _decoders[kind].decode(value)
    return unpack(entity, name) if isinstance(entity, list) else entity


def dump_entity(entity: Entity) -> bytes:
    """The inverse of :func:`load_entity`."""
    return _encoder.encode(pack(entity) if isinstance(entity, Payment) else entity)
