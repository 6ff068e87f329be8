# SPDX-License-Identifier: Apache-2.0
"""A small day around somebody who will be erased: two origins, payments, a refund, an offer."""

from __future__ import annotations

from typing import Any

import orjson

from stream.engine.storage.payment_packing import pack_origin
from tests.support import payloads
from tests.worker.events import (
    DAY_MS,
    MERCHANT,
    MINI_PROGRAM,
    consent,
    envelope,
    openid,
    payment,
    shopper,
    unionid,
)

#: Topic and value.
Event = tuple[str, bytes]

MEI, LI = 1, 2
UNION = f"union.abc-brand.{unionid(MEI)}"
BY_ORIGIN = {"appid": MINI_PROGRAM, "openid": openid(MEI)}
BY_UNION = {"unionid": unionid(MEI), "open_account": "abc-brand"}
#: Hers: what her openids and her Union ID begin with, and then her transaction ids.
NAMES = (openid(MEI), unionid(MEI))
PAYMENTS = f"4200{MEI:08d}"


def spellings(id_: str) -> list[bytes]:
    """An id as text and, of an openid, as the entity of a payment has its payer's."""
    packed = pack_origin(f"origin.{MINI_PROGRAM}.{id_}")
    return [id_.encode(), *([packed[8:]] if isinstance(packed, bytes) else [])]


def transaction(person: int, number: int) -> str:
    return f"4200{person:08d}{number:08d}"


def refund(person: int, number: int, time_ms: int) -> Event:
    data = payloads.refund(
        time_ms,
        transaction(person, number),
        f"50000000000000{person:06d}{number:08d}",
        500,
        of_fen=2000,
        mchid=MERCHANT,
        trade=f"T{person}-{number}",
    )
    return "wechat.pay", envelope(f"refund-{person}-{number}", "refund.succeeded.v1", time_ms, data)


def enrolled(person: int, time_ms: int) -> Event:
    """At the till, so that only a payment tells who it is."""
    data = {"member_id": f"m-{person}", "transaction_id": transaction(person, 3)}
    return "crm.enrolments", envelope(f"join-{person}", "member.enrolled.v1", time_ms, data)


def taken_for(person: int, union: int, number: int, time_ms: int) -> Event:
    """A login of one person's origin with somebody's Union ID."""
    data = {"appid": MINI_PROGRAM, "openid": openid(person), "unionid": unionid(union)}
    event = envelope(f"as-{person}-{union}-{number}", "session.logged_in.v1", time_ms, data)
    return "wechat.mini-program", event


def unbind(person: int, union: int, time_ms: int) -> Event:
    key = f"union.abc-brand.{unionid(union)}"
    data = {"appid": MINI_PROGRAM, "openid": openid(person), "consumer_id": key}
    return "privacy.requests", envelope(f"apart-{person}", "unbind.requested.v1", time_ms, data)


def erase(who: dict[str, Any], time_ms: int) -> Event:
    return "privacy.requests", envelope("erase-1", "erase.requested.v1", time_ms, who)


def her_day(now_ms: int) -> list[Event]:
    """Mei shops for days, checks in by another origin, gets an offer and enrols."""
    who = {"appid": "wx1a2b3c4d5e6f7a01", "openid": f"{openid(MEI)}b"} | BY_UNION
    ticket = {"event_id": "tasting", "list_id": "door", "ticket_id": "t-1", **who}
    check_in = envelope("in-1", "attendee.checked_in.v1", now_ms - DAY_MS, ticket)
    return [
        *shopper(MEI, now_ms),
        ("event.check-in", check_in),
        refund(MEI, 2, now_ms - 2 * DAY_MS),
        enrolled(MEI, now_ms - 5000),
    ]


def others(now_ms: int, number: int = 2) -> list[Event]:
    people = range(LI, LI + number)
    events = [event for person in people for event in shopper(person, now_ms)]
    return [*events, refund(LI, 2, now_ms - DAY_MS)]


def dead(now_ms: int) -> list[Event]:
    """What becomes dead letters: with her openid, with a payment of hers, with nobody."""
    dreamt = orjson.loads(refund(MEI, 1, now_ms - DAY_MS)[1]) | {"type": "refund.dreamt.v1"}
    return [
        ("wechat.pay", b'{"openid": "' + openid(MEI).encode() + b'", '),
        ("wechat.pay", orjson.dumps(dreamt)),
        ("wechat.pay", b'{"broken": "about nobody"'),
    ]


def comes_back(now_ms: int) -> list[Event]:
    """Mei consents anew, logs in and buys three times."""
    logged_in = taken_for(MEI, MEI, 9, now_ms + 1)
    bought = [payment(MEI, 100 + n, now_ms + 2 + n) for n in range(3)]
    return [consent_anew(now_ms), logged_in, *bought]


def consent_anew(now_ms: int) -> Event:
    topic, value = consent(MEI, now_ms)
    return topic, orjson.dumps(orjson.loads(value) | {"id": "consent-anew"})
