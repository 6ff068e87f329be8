# SPDX-License-Identifier: Apache-2.0
"""Cut a large export into parts that fit the topic.

The long lists are continued from part to part; everything else is repeated in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

Document = dict[str, Any]

#: Lists of the document, and of its account; each item fits a record.
_LONG: Final = ("payments", "ledger", "offers", "identity", "traits")
_LONG_OF_ACCOUNT: Final = ("touches", "consents")
_NUMBERS_BYTES: Final = 64  # part and parts


def parts_of(document: Document, bytes_max: int) -> list[Document]:
    """One document, or several with ``part`` and ``parts``, each of ``bytes_max`` at most.

    Raises ``ValueError`` if the repeated fields leave no room for an item.
    """
    if len(orjson.dumps(document)) <= bytes_max:
        return [document]
    room = bytes_max - len(orjson.dumps(_empty(document))) - _NUMBERS_BYTES
    parts, left = [_empty(document)], room
    for account, name, item in _items(document):
        size = len(orjson.dumps(item)) + 1  # and a comma
        if size > room:
            raise ValueError("there is no room for an item")
        if size > left:
            parts.append(_empty(document))
            left = room
        to = parts[-1]["account"] if account else parts[-1]
        to[name].append(item)
        left -= size
    return [part | {"part": n, "parts": len(parts)} for n, part in enumerate(parts, 1)]


def _empty(document: Document) -> Document:
    """The document without the items of its long lists."""
    empty = document | {name: [] for name in _LONG}
    if "account" in document:
        empty["account"] = document["account"] | {name: [] for name in _LONG_OF_ACCOUNT}
    return empty


def _items(document: Document) -> Iterator[tuple[bool, str, Any]]:
    for name in _LONG_OF_ACCOUNT if "account" in document else ():
        yield from ((True, name, item) for item in document["account"][name])
    for name in _LONG:
        yield from ((False, name, item) for item in document[name])
