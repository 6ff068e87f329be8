# SPDX-License-Identifier: Apache-2.0
"""Pack a payment into few bytes: payments are the most numerous entity and stay a year.

A usual payment is ``[origin, [time, event id, values...]]``: names of fields go by their place,
what follows from something else is left out. What is not usual is stored as it is.
Further reports of the payment are packed in the same way.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Any, Final

import msgspec

from schemas.pay import PAYMENT_SUCCEEDED
from stream.engine.model.facts import Fact
from stream.engine.model.payment import Payment
from stream.engine.model.ruleset import Value
from stream.engine.model.touchpoints import Touchpoint

_TYPE: Final = PAYMENT_SUCCEEDED
_PURCHASE: Final = Touchpoint.PURCHASE
_KEY: Final = "payment:"  # and its number, as in the entity's own key
#: By place, after the time and the event id. Never reorder, only append.
_FIELDS: Final = (
    "total_fen",
    "payer_total_fen",
    "mchid",
    "trade_type",
    "device_id",
    "attach",
    "shop_number",
)
_USUAL: Final = frozenset({"appid", *_FIELDS})
#: Numbers of WeChat's trade types. Never reorder, only append.
_TRADE_TYPES: Final = ("JSAPI", "NATIVE", "APP", "MICROPAY", "MWEB", "FACEPAY")
_OTHERS: Final = Payment.__struct_fields__.index("others")
_SECONDS_MAX: Final = 10**11  # what is more is in ms

# An appid of WeChat is wx and 16 hexadecimal digits, an openid 28 characters of base64url.
_PREFIX: Final = "origin.wx"
_APPID: Final = slice(len(_PREFIX), len(_PREFIX) + 16)
_ORIGIN_CHARS: Final = len(_PREFIX) + 16 + 1 + 28
_OPENID: Final = slice(_ORIGIN_CHARS - 28, None)
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")
_FROM_BASE64: Final = bytes.maketrans(b"+/", b"-_")


def pack(payment: Payment) -> list[Any]:
    """What to store of a payment."""
    fact = payment.fact
    packed = None if fact is None else _pack_fact(fact, payment.origin)
    rest = [getattr(payment, name) for name in payment.__struct_fields__[2:]]
    rest[_OTHERS - 2] = [
        [pack_origin(one.origin), _pack_fact(one.fact, one.origin) or one.fact, one.reporter]
        for one in payment.others
    ]
    while rest and not rest[-1]:
        rest.pop()
    return [pack_origin(payment.origin), fact if packed is None else packed, *rest]


def unpack(stored: list[Any], number: str) -> Payment:
    """The inverse of :func:`pack`; raises ``msgspec.ValidationError`` for what it never wrote."""
    try:
        for report in (stored, *(stored[_OTHERS] if len(stored) > _OTHERS else ())):
            if report and isinstance(report[0], bytes):
                report[0] = _unpack_origin(report[0])
            if len(report) > 1 and isinstance(report[1], list):
                report[1] = _unpack_fact(report[1], report[0], number)
    except (ValueError, TypeError, IndexError, AttributeError):
        raise msgspec.ValidationError("not a payment") from None
    return msgspec.convert(stored, Payment, builtin_types=(bytes,))


def pack_origin(key: str) -> str | bytes:
    """The key of an origin in 29 bytes where it is of WeChat's form, else as it is."""
    if len(key) != _ORIGIN_CHARS:
        return key
    try:
        packed = bytes.fromhex(key[_APPID]) + a2b_base64(key[_OPENID].translate(_TO_BASE64))
    except (ValueError, Error):
        return key
    # What is neither hexadecimal nor base64url would not come back as it was.
    same = len(packed) == 29 and packed[:8].hex() == key[_APPID] and key.startswith(_PREFIX)
    return packed if same and "+" not in key and "/" not in key else key


def _unpack_origin(packed: bytes) -> str:
    openid = b2a_base64(packed[8:], newline=False).translate(_FROM_BASE64).decode()
    return f"origin.wx{packed[:8].hex()}.{openid}"


def _pack_fact(fact: Fact, origin: str) -> list[Any] | None:
    fields = fact.fields
    usual = (
        fact.type == _TYPE
        and fact.touchpoint == _PURCHASE
        and fact.key.startswith(_KEY)
        and not (fact.rank or fact.reversal or fact.member_id or fact.lines)
        and fields.keys() <= _USUAL
        and origin.startswith(f"origin.{fields.get('appid')}.")
        and "total_fen" in fields
        and "payer_total_fen" in fields
        and fact.time >= _SECONDS_MAX
    )
    if not usual:
        return None
    values: list[Value | None] = [fields.get(name) for name in _FIELDS]
    if values[1] == values[0]:
        values[1] = None
    values[2] = _as_number(values[2])
    if values[3] in _TRADE_TYPES:
        values[3] = _TRADE_TYPES.index(str(values[3]))
    while values[-1] is None:
        values.pop()
    time = fact.time
    return [time if time % 1000 else time // 1000, fact.event_id, *values]


def _unpack_fact(packed: list[Any], origin: str, number: str) -> Fact:
    time, event_id, *values = packed
    values += [None] * (len(_FIELDS) - len(values))
    if values[1] is None:
        values[1] = values[0]
    if isinstance(values[2], int):
        values[2] = str(values[2])
    if isinstance(values[3], int):
        values[3] = _TRADE_TYPES[values[3]]
    fields: dict[str, Value] = {"appid": origin.split(".")[1]}
    fields.update((n, v) for n, v in zip(_FIELDS, values, strict=True) if v is not None)
    return Fact(
        key=_KEY + number,
        type=_TYPE,
        event_id=event_id,
        time=time * 1000 if time < _SECONDS_MAX else time,
        touchpoint=_PURCHASE,
        fields=fields,
    )


def _as_number(value: Value | None) -> Value | None:
    """A text of digits as the number it is, if that says the same."""
    if isinstance(value, str) and value.isdecimal() and value.isascii() and value[0] != "0":
        return int(value) if len(value) < 19 else value
    return value
