# SPDX-License-Identifier: Apache-2.0
"""Deterministic ids, and the keys of entities.

An entity key is the Kafka key of its messages, the CloudEvents subject of what it emits, and the
name under which its state is stored. Ids within keys never contain a dot.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from schemas.registry import SOURCES

_PAYMENTS: Final = tuple(dict.fromkeys(source.payments for source in SOURCES if source.payment))
MARKER_BYTES: Final = 6


def union_key(open_account: str, unionid: str) -> str:
    """The profile of a consumer known by Union ID within one Open Platform account."""
    return f"union.{open_account}.{unionid}"


def origin_key(appid: str, openid: str) -> str:
    """An origin; also the profile of a consumer who is known by nothing else yet."""
    return f"origin.{appid}.{openid}"


def payment_key(number: str, payments: str = "") -> str:
    """A payment, where its refunds and all else that carries no openid meet it.

    Each payment system numbers its own; the name ``payments`` of WeChat Pay is "".
    """
    return f"tx.{payments}.{number}" if payments else f"tx.{number}"


def payment_keys(number: str) -> list[str]:
    """The keys of the payments that may have this number, of all payment systems."""
    return [payment_key(number, payments) for payments in _PAYMENTS]


def payment_number(key: str) -> str:
    """The number of a payment within its payment system."""
    return key.rpartition(".")[2]


def origin_parts(key: str) -> tuple[str, str]:
    """``(appid, openid)`` of an origin key."""
    _, appid, openid = key.split(".")
    return appid, openid


def scope_of(key: str) -> str:
    """The Open Platform account of a profile, "" of an origin; of one by aliases, an appid."""
    kind, scope, _ = key.split(".")
    return scope if kind == "union" else ""


def digest(*parts: object) -> str:
    """A deterministic id: 32 hexadecimal digits from the parts, order matters."""
    text = "\x1f".join(map(str, parts))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def marker(fact_key: str) -> bytes:
    """The few bytes which stand for a business key in an account's duplicate markers.

    Two of one account's n keys collide with a probability of about n² / 2⁴⁹.
    """
    return blake2b(fact_key.encode(), digest_size=MARKER_BYTES).digest()
