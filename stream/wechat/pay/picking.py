"""Out of a payload, what may be kept: tables of fields, each with the way to read it.

What no table names never gets out: names, phone numbers, accounts, number plates. A field which is
absent, null or empty is left out; the models of `schemas` say what is required.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from schemas import parse_time
from stream.wechat.heard import NotHeard, Refusal

Take = Callable[[Any], Any]
Fields = Mapping[str, Take]

_digits = re.compile(r"[0-9]{1,15}").fullmatch
_beijing = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})").fullmatch


def word(value: Any) -> Any:
    """An id or a word of WeChat's; some of its examples have blanks around them."""
    return value.strip() if type(value) is str else value


def text(value: Any) -> Any:
    """What a merchant wrote, as it is."""
    return value


def fen(value: Any) -> Any:
    """An amount; some notifications (支付分) print it as a string."""
    return int(value) if type(value) is str and _digits(value := value.strip()) else value


def moment(value: Any) -> Any:
    """A time: RFC 3339, or ``yyyyMMddHHmmss`` in Beijing (支付分, v2)."""
    value = word(value)
    if type(value) is str and (parts := _beijing(value)):
        year, month, day, hour, minute, second = parts.groups()
        return f"{year}-{month}-{day}T{hour}:{minute}:{second}+08:00"
    return value


def one_of(*words: str) -> Take:
    """A word of a list; another one tells us nothing and is left out."""

    def take(value: Any) -> Any:
        return value if (value := word(value)) in words else None

    return take


def part(fields: Fields) -> Take:
    """An object within."""
    return lambda value: pick(value, fields)


def parts(fields: Fields) -> Take:
    """An array of objects within."""

    def take(value: Any) -> Any:
        return [pick(item, fields) for item in value] if type(value) is list else value

    return take


def pick(source: Any, fields: Fields) -> Any:
    """The named fields of an object; anything else is handed on for a model to refuse."""
    if type(source) is not dict:
        return source
    taken = {name: take(source.get(name)) for name, take in fields.items()}
    return {name: value for name, value in taken.items() if value is not None and value != ""}


def time_of(source: Mapping[str, Any], name: str) -> datetime:
    """The time in a field; raises `NotHeard` with its place when there is none."""
    try:
        return parse_time(moment(source.get(name)))
    except ValueError as error:
        raise NotHeard(Refusal.MALFORMED, f"$.{name} {error}.") from None
