# SPDX-License-Identifier: Apache-2.0
"""Find the struct fields that name people: those of type ``PersonKey``.

Whatever looks for people (export, erasure, the sweep) reads the fields' types by :func:`named_in`,
so a message or an entity that declares its fields is found by all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

_NAMES_A_PERSON: Final = "names_a_person"

#: The entity key of an origin or of a union, or "": in a field, in a list, or as a key of a dict.
PersonKey = Annotated[str, msgspec.Meta(extra={_NAMES_A_PERSON: True})]

_Find = Callable[[Any], Iterator[str]]


def named_in(struct: msgspec.Struct) -> Iterator[str]:
    """The person keys in a struct and in the structs within it; some may be ""."""
    find = _find_in_struct(type(struct))
    return find(struct) if find is not None else iter(())


def names_people(struct: type[msgspec.Struct]) -> bool:
    """Whether a struct of this type may name a person."""
    return _find_in_struct(struct) is not None


@cache
def _find_in_struct(struct: type[msgspec.Struct]) -> _Find | None:
    typed = [(field.name, _find(field.type)) for field in msgspec.structs.fields(struct)]
    finds = [(name, find) for name, find in typed if find is not None]
    if not finds:
        return None
    return lambda value: chain.from_iterable(find(getattr(value, name)) for name, find in finds)


def _find(type_: Any) -> _Find | None:
    """How to find the people in a value of a type; ``None`` where there can be none."""
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return _itself if _is_person(args[1:]) else _find(args[0])
    if origin in (Union, UnionType):
        return _any_of(args)
    if origin is dict:
        return _of_items(_find(args[0]), _find(args[1]))
    if origin in (list, tuple):
        return _of_each(_find(args[0]))
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return _find_in_struct(type_)
    return None


def _is_person(metas: tuple[Any, ...]) -> bool:
    extras = (meta.extra for meta in metas if isinstance(meta, msgspec.Meta))
    return any(extra and extra.get(_NAMES_A_PERSON) for extra in extras)


def _itself(value: str) -> Iterator[str]:
    yield value


def _any_of(types: tuple[Any, ...]) -> _Find | None:
    """Of a union of types, of which those that name people are structs."""
    if not any(map(_find, types)):
        return None
    return lambda value: named_in(value) if isinstance(value, msgspec.Struct) else iter(())


def _of_each(find: _Find | None) -> _Find | None:
    return find and (lambda values: chain.from_iterable(map(find, values)))


def _of_items(key: _Find | None, item: _Find | None) -> _Find | None:
    if key is None and item is None:
        return None

    def found(values: Mapping[str, Any]) -> Iterator[str]:
        for name, value in values.items():
            if key is not None:
                yield from key(name)
            if item is not None:
                yield from item(value)

    return found
