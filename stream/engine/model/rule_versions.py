# SPDX-License-Identifier: Apache-2.0
"""Versions of the rules as bytes and back, their fingerprints, and what may not change any more.

An event is judged by the version in force when it happened, whenever it is counted: so what a
version says is part of the past as soon as it has begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import msgspec

from schemas import format_ms
from stream.engine.model.calendar import SHANGHAI_MS
from stream.engine.model.limits import SKEW_MS
from stream.engine.model.nudges import Nudge
from stream.engine.model.ruleset import Benefit, OfferBlock, RuleBook, RuleSet, Step
from stream.engine.model.schedule import Schedule, Span
from stream.engine.model.touchpoints import Touchpoint
from stream.language import rule_messages as say
from stream.language.message import Said

#: What a book says apart from its versions, each a number of days and a setting of that name.
DAYS = ("horizon_days", "payment_horizon_days", "retention_days", "idle_days")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[dict[str, int], list[bytes]]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def dump_version(rules: RuleSet) -> bytes:
    """The same bytes for all files which mean the same, however they are written."""
    return _encode(_plain(rules))


def load_version(data: bytes) -> RuleSet:
    """The version of which :func:`dump_version` made ``data``; raises ``MsgspecError``."""
    plain = msgspec.json.decode(data, type=dict[str, Any])
    plain |= {"by_touchpoint": {}, "judged": [], "mentioned": [], "silences": []}  # follow from it
    return msgspec.convert(plain, RuleSet, dec_hook=_special)


def readable(rules: RuleSet) -> dict[str, Any]:
    """What a version says, but for its number and its time, for people: touchpoints by name.

    What it does not say is left out.
    """
    plain: dict[str, Any] = _said(_plain(rules, named=True))
    return {name: plain[name] for name in plain if name not in ("version", "effective_ms")}


def dump_book(book: RuleBook) -> bytes:
    """All versions, and how many days things are kept: all by which amounts are decided."""
    days = {name: getattr(book, name) for name in DAYS}
    return _pack((days, [dump_version(version) for version in book.versions]))


def load_book(data: bytes) -> RuleBook:
    """The book of which :func:`dump_book` made ``data``; raises ``MsgspecError``."""
    said, versions = _unpack(data)
    days: dict[str, Any] = {**said}
    return RuleBook(tuple(map(load_version, versions)), **days)


def fingerprint(rules: RuleSet) -> str:
    """What stands for the content of a version: 32 hexadecimal digits."""
    return blake2b(dump_version(rules), digest_size=16).hexdigest()


def objections(known: RuleBook, wanted: RuleBook, now_ms: int) -> Iterator[Said]:
    """Why rules cannot take the place of those in force, a sentence for each version.

    What happens may be ahead of the clock by ``SKEW_MS``: until then a version may have begun.
    """
    begun_ms = now_ms + SKEW_MS
    new = {version.version for version in wanted.versions}
    for version in known.versions:
        if version.effective_ms <= begun_ms and version.version not in new:
            since = shanghai_minute(version.effective_ms)
            yield say.VERSION_MISSING(version=version.version, since=since)
    yield from contradictions(known, wanted, now_ms)


def contradictions(known: RuleBook, wanted: RuleBook, now_ms: int) -> Iterator[Said]:
    """Where rules say anything else of what has begun, and do not merely leave it out."""
    begun_ms = now_ms + SKEW_MS
    old = {version.version: version for version in known.versions}
    new = {version.version: version for version in wanted.versions}
    for number, version in old.items():
        if version.effective_ms > begun_ms or number not in new:
            continue
        if fingerprint(new[number]) != fingerprint(version):
            since = shanghai_minute(version.effective_ms)
            yield say.VERSION_CHANGED(version=number, since=since)
    for number, version in new.items():
        before = old.get(number)
        if before is not None and before.effective_ms <= begun_ms:
            continue
        changed = before is None or fingerprint(before) != fingerprint(version)
        if changed and version.effective_ms <= begun_ms:
            start, earliest = shanghai_minute(version.effective_ms), shanghai_minute(begun_ms)
            yield say.VERSION_TOO_SOON(version=number, start=start, earliest=earliest)


def shanghai_minute(time_ms: int) -> str:
    """An instant as ``2026-07-01T18:00+08:00``."""
    return format_ms(time_ms + SHANGHAI_MS)[:16] + "+08:00"


def _plain(value: Any, *, named: bool = False) -> Any:
    """Lists whose order means nothing are sorted; what follows from the rest is left out."""
    if isinstance(value, Touchpoint) and named:
        return value.label
    if isinstance(value, Schedule) and named:
        return value.readable()
    if isinstance(value, Span):
        return [*value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(item, named=named) for name, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(_plain(item, named=named) for item in value)
    if isinstance(value, tuple):
        items = [_plain(item, named=named) for item in value]
        ordered = any(isinstance(item, Benefit | OfferBlock | Step | Nudge) for item in value)
        return items if ordered else sorted(items, key=_encode)
    if is_dataclass(value):
        said = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return _plain(said, named=named)
    return value


def _said(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {name: _said(value) for name, value in plain.items() if value is not None}
    return [_said(value) for value in plain] if isinstance(plain, list) else plain


def _special(kind: type, value: object) -> object:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise NotImplementedError(kind)
