# SPDX-License-Identifier: Apache-2.0
"""Split a value into a head and pages, which are stored under keys of their own.

A value without pages is just its head. Otherwise the stored head is preceded by the numbers of its
pages, and a reader of the whole gets one value: ``join`` puts it together, ``split`` takes it
apart. Values begin like MessagePack arrays, so that the prefixes of both forms are unambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct, error
from typing import NamedTuple

#: Prefix of a stored value whose pages stand elsewhere; MessagePack never uses C1.
PAGED = b"\xc1\x00"
_JOINED = b"\xc1\x01"
_COUNT = Struct(">H")
_NUMBER = Struct(">I")
_PAGE = Struct(">II")  # number, length


class Pieces(NamedTuple):
    """A value: its head, the numbers of all its pages in order, and the changed pages."""

    head: bytes
    numbers: Sequence[int] = ()
    changed: Mapping[int, bytes] = {}


def stored(pieces: Pieces) -> bytes:
    """The bytes under the key of the value itself."""
    if not pieces.numbers:
        return pieces.head
    numbers = b"".join(map(_NUMBER.pack, pieces.numbers))
    return b"".join((PAGED, _COUNT.pack(len(pieces.numbers)), numbers, pieces.head))


def numbers_of(value: bytes | None) -> list[int]:
    """The numbers of the pages of a stored or a joined value."""
    if value is None or value[:1] != PAGED[:1]:
        return []
    (count,) = _COUNT.unpack_from(value, 2)
    size = _NUMBER.size if value.startswith(PAGED) else _PAGE.size
    return [_NUMBER.unpack_from(value, 4 + size * at)[0] for at in range(count)]


def join(value: bytes, pages: Sequence[bytes]) -> bytes:
    """A stored value and its pages as one."""
    numbers = numbers_of(value)
    parts = [_PAGE.pack(n, len(page)) for n, page in zip(numbers, pages, strict=True)]
    head = value[4 + _NUMBER.size * len(numbers) :]
    return b"".join((_JOINED, _COUNT.pack(len(numbers)), *parts, *pages, head))


def split(value: bytes) -> tuple[bytes, dict[int, bytes]]:
    """The head of a value, and its pages by number.

    Raises ``ValueError`` for one whose pages are missing.
    """
    if value[:1] != PAGED[:1]:
        return value, {}
    if not value.startswith(_JOINED):
        raise ValueError("the pages are missing")
    pages = {}
    try:
        (count,) = _COUNT.unpack_from(value, 2)
        at = 4 + _PAGE.size * count
        for place in range(count):
            number, length = _PAGE.unpack_from(value, 4 + _PAGE.size * place)
            pages[number] = value[at : at + length]
            at += length
    except error:
        raise ValueError("the value is cut short") from None
    return value[at:], pages


def head_of(value: bytes) -> bytes:
    """The head of a stored or a joined value."""
    if value.startswith(PAGED):
        return value[4 + _NUMBER.size * len(numbers_of(value)) :]
    return split(value)[0]
