# SPDX-License-Identifier: Apache-2.0
"""Allow-list extraction: only the fields named in a table leave a payload.

All others stay out: names, phone numbers, bank accounts, number plates. Each field has a function
that reads its value. Absent, null and empty fields are left out; `schemas` says what is required.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from schemas import parse_time
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

Reader = Callable[[Any], Any]
Fields = Mapping[str, Reader]

_digits = re.compile(r"[0-9]{1,15}").fullmatch
_beijing = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})").fullmatch


def stripped(value: Any) -> Any:
    """An id or a constant, without the blanks that some of WeChat's examples have around them."""
    return value.strip() if type(value) is str else value


def verbatim(value: Any) -> Any:
    """A merchant's text, unchanged."""
    return value


def fen(value: Any) -> Any:
    """An amount; some notifications (支付分) have it as a string."""
    return int(value) if type(value) is str and _digits(value := value.strip()) else value


def timestamp(value: Any) -> Any:
    """A time: RFC 3339, or ``yyyyMMddHHmmss`` in Beijing (支付分, v2)."""
    value = stripped(value)
    if type(value) is str and (list_of := _beijing(value)):
        year, month, day, hour, minute, second = list_of.groups()
        return f"{year}-{month}-{day}T{hour}:{minute}:{second}+08:00"
    return value


def one_of(*words: str) -> Reader:
    """One of these constants; any other value is left out."""

    def take(value: Any) -> Any:
        return value if (value := stripped(value)) in words else None

    return take


def object_of(fields: Fields) -> Reader:
    """A nested object."""
    return lambda value: extract(value, fields)


def list_of(fields: Fields) -> Reader:
    """A nested array of objects."""

    def take(value: Any) -> Any:
        return [extract(item, fields) for item in value] if type(value) is list else value

    return take


def extract(source: Any, fields: Fields) -> Any:
    """The named fields of an object; a value that is no object is left for validation to reject."""
    if type(source) is not dict:
        return source
    taken = {name: take(source.get(name)) for name, take in fields.items()}
    return {name: value for name, value in taken.items() if value is not None and value != ""}


def time_of(source: Mapping[str, Any], name: str) -> datetime:
    """The time in a field; raises `DeliveryRejected` with its path if there is none."""
    try:
        return parse_time(timestamp(source.get(name)))
    except ValueError as error:
        raise DeliveryRejected(RejectReason.MALFORMED, f"$.{name} {error}.") from None
