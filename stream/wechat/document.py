"""JSON as WeChat sends it: read strictly, keys trimmed.

The examples of WeChat's own pages have keys with leading blanks. What could be read in two ways,
or exhaust us, is refused: duplicate keys, integers beyond 64 bits (which many parsers turn into
floats), NaN, absurd depth.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

from stream.wechat.heard import NotHeard, Refusal

#: Objects and arrays within one another; WeChat's deepest notification has 5.
DEPTH_MAX: Final = 32
_INTEGER_END: Final = 2**63
_DIGITS_MAX: Final = 20  # of an integer of 64 bits, with its sign
_surrogate = re.compile(r"\\u[dD][89A-Fa-f]").search


class _Refused(ValueError):
    """Says what is wrong, without what was sent."""


def parse_document(document: bytes, name: str) -> dict[str, Any]:
    """The JSON object in ``document``; ``name`` says in messages which document it is.

    Raises `NotHeard` with `Refusal.MALFORMED`, and nothing else.
    """
    try:
        written = document.decode()
        if _surrogate(written):  # half a character: Python's own parser lets it pass
            orjson.loads(document)
        value = _DECODER.decode(written)
    except _Refused as refused:
        problem = str(refused)
    except RecursionError:
        problem = _TOO_DEEP
    except ValueError:  # JSONDecodeError and UnicodeDecodeError are its kinds
        problem = "is not JSON in UTF-8"
    else:
        if type(value) is not dict:
            problem = "must be one JSON object"
        elif _is_deeper(value, DEPTH_MAX):
            problem = _TOO_DEEP
        else:
            return value
    raise NotHeard(Refusal.MALFORMED, f"{name} {problem}.")


_TOO_DEEP = f"is nested more than {DEPTH_MAX} levels deep"


def _is_deeper(value: Any, levels: int) -> bool:
    children = value.values() if type(value) is dict else value
    if levels == 0:
        return True
    return any(_is_deeper(child, levels - 1) for child in children if type(child) in (dict, list))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {key.strip(): value for key, value in pairs}
    if len(found) != len(pairs):
        raise _Refused("has an object with the same key twice")
    return found


def _integer(digits: str) -> int:
    # Python refuses integers of thousands of digits; so long ones are not even tried.
    if len(digits) <= _DIGITS_MAX and -_INTEGER_END <= (value := int(digits)) < _INTEGER_END:
        return value
    raise _Refused("has an integer beyond 64 bits")


def _constant(_: str) -> None:
    raise _Refused("has NaN or Infinity, which JSON has not")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
