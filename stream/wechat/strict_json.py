# SPDX-License-Identifier: Apache-2.0
"""A strict JSON parser for what WeChat sends; trims blanks around keys.

Examples in WeChat's documents have keys with leading blanks. The parser rejects ambiguous or
expensive input: duplicate keys, integers beyond 64 bits (which many parsers turn into floats), NaN,
deep nesting.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

from stream.wechat.delivery_result import DeliveryRejected, RejectReason

#: Levels of nesting; WeChat's deepest notification has 5.
DEPTH_MAX: Final = 32
_INTEGER_END: Final = 2**63
_DIGITS_MAX: Final = 20  # of an integer of 64 bits, with its sign
_surrogate = re.compile(r"\\u[dD][89A-Fa-f]").search


class _Invalid(ValueError):
    """The message never repeats the input."""


def parse_document(document: bytes, name: str) -> dict[str, Any]:
    """The JSON object in ``document``; ``name`` is the document's name in messages.

    Raises `DeliveryRejected` with `RejectReason.MALFORMED`, and nothing else.
    """
    try:
        written = document.decode()
        if _surrogate(written):  # a lone surrogate: Python's own parser accepts it
            orjson.loads(document)
        value = _DECODER.decode(written)
    except _Invalid as error:
        problem = str(error)
    except RecursionError:
        problem = _TOO_DEEP
    except ValueError:  # JSONDecodeError and UnicodeDecodeError are subclasses
        problem = "is not JSON in UTF-8"
    else:
        if type(value) is not dict:
            problem = "must be one JSON object"
        elif _opened(document) > DEPTH_MAX and _is_deeper(value, DEPTH_MAX):
            problem = _TOO_DEEP
        else:
            return value
    raise DeliveryRejected(RejectReason.MALFORMED, f"{name} {problem}.")


_TOO_DEEP = f"is nested more than {DEPTH_MAX} levels deep"


def _opened(document: bytes) -> int:
    """The objects and arrays at most: no document is deeper than that."""
    return document.count(b"{") + document.count(b"[")


def _is_deeper(value: Any, levels: int) -> bool:
    children = value.values() if type(value) is dict else value
    if levels == 0:
        return True
    return any(_is_deeper(child, levels - 1) for child in children if type(child) in (dict, list))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {key.strip(): value for key, value in pairs}
    if len(found) != len(pairs):
        raise _Invalid("has an object with the same key twice")
    return found


def _integer(digits: str) -> int:
    # Python raises for integers of thousands of digits, so long ones are not converted.
    if len(digits) <= _DIGITS_MAX and -_INTEGER_END <= (value := int(digits)) < _INTEGER_END:
        return value
    raise _Invalid("has an integer beyond 64 bits")


def _constant(_: str) -> None:
    raise _Invalid("has NaN or Infinity, which are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
