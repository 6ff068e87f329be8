# SPDX-License-Identifier: Apache-2.0
"""The fields that a condition may test and a rate may be based on, by touchpoint.

They are those of the sources (``schemas.registry.SOURCES``), which events are read by, too. A field
named ``*_fen`` is money in fen, ``*_s`` is a length of time in seconds. Any field may be absent
from an event; ``appid`` is the app of the event's origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from schemas.registry import SOURCES
from schemas.source import FieldTypes, Role, Source
from schemas.touchpoints import Touchpoint


def fields_of(sources: Sequence[Source]) -> Mapping[Touchpoint, FieldTypes]:
    """Every touchpoint has an entry, and ``appid`` is in each.

    Raises ``ValueError`` if two sources of one touchpoint have a field of different types.
    """
    found: dict[Touchpoint, dict[str, type[str] | type[int]]] = {
        touchpoint: {"appid": str} for touchpoint in Touchpoint
    }
    for source in sources:
        for name, type_ in source.fields.items():
            known = found[Touchpoint(source.touchpoint or 0)]
            if known.setdefault(name, type_) is not type_:
                raise ValueError(f"{source.type}: {name} has another type in another source")
    return MappingProxyType({t: MappingProxyType(types) for t, types in found.items()})


def bases_of(sources: Sequence[Source]) -> Mapping[Touchpoint, tuple[str, ...]]:
    """The touchpoints with an amount of money, and its fields; the default one is first."""
    found: dict[Touchpoint, tuple[str, ...]] = {}
    for source in sources:
        if source.touchpoint and source.bases:
            known = found.get(source.touchpoint, ())
            found[source.touchpoint] = tuple(dict.fromkeys((*known, *source.bases)))
    return MappingProxyType(found)


#: What a condition may test.
FIELDS: Mapping[Touchpoint, FieldTypes] = fields_of(SOURCES)

#: The amounts that a rate rule may be based on, its default first.
BASES: Mapping[Touchpoint, tuple[str, ...]] = bases_of(SOURCES)

#: Touchpoints whose amounts refunds lower.
PAID: frozenset[int] = frozenset(
    source.touchpoint for source in SOURCES if source.role is Role.PAYMENT and source.touchpoint
)
