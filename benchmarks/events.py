# SPDX-License-Identifier: Apache-2.0
"""The events of the benchmark, as bytes in the documented wire form, and what they must come to.

Deterministic: the same arguments give the same bytes. Events are spread evenly over three Shanghai
days which are over, over all consumers alike, and published in the order of their time.

What the generator grants to the peers, which cannot cope with disorder as shadowpoints can:
nothing comes twice, nothing is malformed or late, no two events contradict each other, nobody
enrols or withdraws consent, and a refund is published with the key of its payment and after it, so
that the payment is always known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

import orjson

MINI: Final = "wx1a2b3c4d5e6f7a02"
ACCOUNT: Final = "wx1a2b3c4d5e6f7a01"
OPEN_ACCOUNT: Final = "abc-brand"
DAY_MS: Final = 86_400_000
DAYS: Final = 3
_SHANGHAI_MS: Final = 8 * 3_600_000
_EPOCH: Final = datetime(1970, 1, 1)  # naive: the zone is written by hand

#: topic, key, value, headers
Record = tuple[str, bytes, bytes, list[tuple[str, bytes]]]

LOGIN, PAGE, PRODUCT, PAYMENT, CHECK_IN, FOLLOW, REFUND = range(7)
#: Of a hundred events. Refunds come on top: of 8 in 100 payments, half of them in full.
_MIX: Final = (
    [LOGIN] * 12 + [PAGE] * 33 + [PRODUCT] * 22 + [PAYMENT] * 27 + [CHECK_IN] * 3 + [FOLLOW] * 3
)
_REFUNDED_PERCENT: Final = 8
_TYPES: Final = (
    b"session.logged_in.v1",
    b"page.viewed.v1",
    b"product.viewed.v1",
    b"payment.succeeded.v1",
    b"attendee.checked_in.v1",
    b"account.followed.v1",
    b"refund.succeeded.v1",
)
_TOPICS: Final = (
    "wechat.mini-program",
    "wechat.mini-program",
    "wechat.mini-program",
    "wechat.pay",
    "event.check-in",
    "wechat.official-account",
    "wechat.pay",
)
TOPICS: Final = tuple(sorted(set(_TOPICS)))


class Event(NamedTuple):
    """``origin`` is twice the person's number, plus 1 in the Official Account."""

    kind: int
    number: int
    origin: int
    time_ms: int
    claim: bool  # says which Union ID the origin is
    fen: int = 0  # of a payment; of a refund: what is paid back
    paid: int = 0  # of a refund: number, fen and time of the payment
    paid_fen: int = 0
    paid_ms: int = 0


def today_ms(now_ms: int) -> int:
    """The last midnight in Shanghai."""
    return (now_ms + _SHANGHAI_MS) // DAY_MS * DAY_MS - _SHANGHAI_MS


def has_union(person: int) -> bool:
    """Four people in five have a Union ID; the rest stay unbound origins."""
    return person % 5 != 0


def has_two_apps(person: int) -> bool:
    """Two in five have an openid in the Official Account besides."""
    return person % 5 in (1, 2)


def consumer_of(owner: int) -> str:
    """The consumer id of an origin, or (-1 - number) of a person known by Union ID."""
    if owner < 0:
        return f"union.{OPEN_ACCOUNT}.{_unionid(-1 - owner)}"
    return f"origin.{ACCOUNT if owner & 1 else MINI}.{_openid(owner)}"


class Stream:
    """One source of events; every call goes on where the last ended.

    ``total`` is how many events will be asked for: their times fill the three days before
    ``end_ms``.
    """

    def __init__(
        self, *, consumers: int, total: int, end_ms: int, seed: int = 1, refunds: bool = True
    ) -> None:
        self.consumers, self.total, self.seed, self.refunds = consumers, total, seed, refunds
        self._start_ms, self._span_ms = end_ms - DAYS * DAY_MS, DAYS * DAY_MS - 1000
        self._random = Random(seed)
        self._number = 0
        self._due: deque[tuple[int, Event]] = deque()
        self._lag = max(1, min(1000, total // 20))  # events from a payment to its refund

    def binds(self) -> Iterator[Event]:
        """One event of each origin that will ever be bound, which binds it."""
        for person in range(self.consumers):
            if has_union(person):
                yield self._event(LOGIN, 2 * person, True)
            if has_two_apps(person):
                yield self._event(CHECK_IN, 2 * person + 1, True)

    def touches(self, count: int, *, in_turn: bool = False) -> Iterator[Event]:
        """``count`` events of the mix; in turn: each consumer as often as every other."""
        draw, consumers = self._random.getrandbits, self.consumers
        for turn in range(count):
            if self._due and self._due[0][0] <= self._number:
                yield self._refund(self._due.popleft()[1])
                continue
            bits = draw(64)
            person = turn % consumers if in_turn else (bits & 0xFFFFFFFF) % consumers
            yield self._touch(_MIX[(bits >> 32) % 100], person, bits >> 40)

    def _touch(self, kind: int, person: int, bits: int) -> Event:
        two = has_two_apps(person)
        if kind == FOLLOW and not two:
            kind = PAGE
        in_account = two and (kind in (FOLLOW, CHECK_IN) or (kind == PAYMENT and bits & 1))
        claim = kind in (LOGIN, CHECK_IN) and has_union(person)
        fen = 800 + (bits >> 1) % 3600 if kind == PAYMENT else 0
        event = self._event(kind, 2 * person + (1 if in_account else 0), claim, fen)
        if fen and self.refunds and (bits >> 14) % 100 < _REFUNDED_PERCENT:
            self._due.append((event.number + self._lag, event))
        return event

    def _refund(self, payment: Event) -> Event:
        fen = payment.fen if payment.number & 1 else payment.fen // 2
        event = self._event(REFUND, payment.origin, False, fen)
        return event._replace(paid=payment.number, paid_fen=payment.fen, paid_ms=payment.time_ms)

    def _event(self, kind: int, origin: int, claim: bool, fen: int = 0) -> Event:
        number, self._number = self._number, self._number + 1
        time_ms = self._start_ms + number * self._span_ms // self.total
        return Event(kind, number, origin, time_ms, claim, fen)


def encode(event: Event) -> Record:
    """The record which a producer publishes: CloudEvents in binary form, keyed by openid."""
    kind, time = event.kind, _time(event.time_ms)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"b-%d" % event.number),
        ("ce_source", b"urn:example:benchmark"),
        ("ce_type", _TYPES[kind]),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
    ]
    openid = _openid(event.origin)
    return _TOPICS[kind], openid.encode(), orjson.dumps(_data(event, openid)), headers


def _data(event: Event, openid: str) -> dict[str, object]:
    kind, number = event.kind, event.number
    if kind == REFUND:
        return _refund_data(event)
    who: dict[str, object] = {"appid": ACCOUNT if event.origin & 1 else MINI, "openid": openid}
    if kind == PAYMENT:
        return _payment_data(event, who)
    if kind == PAGE:
        return who | {"path": "pages/menu/index", "scene": 1001 + number % 90}
    if kind == PRODUCT:
        return who | {"product_id": f"SKU-{number % 997}", "price_fen": 900 + number % 5000}
    if kind == LOGIN:
        return who | {"unionid": _unionid(event.origin >> 1)} if event.claim else who
    if kind == FOLLOW:
        return who | {"event_key": ""}
    if event.claim:
        who |= {"unionid": _unionid(event.origin >> 1), "open_account": OPEN_ACCOUNT}
    return who | {"event_id": "tasting", "list_id": "door", "ticket_id": f"T-{number}"}


def _payment_data(event: Event, who: dict[str, object]) -> dict[str, object]:
    return {
        "appid": who["appid"],
        "mchid": "1649206183",
        "transaction_id": _transaction(event.number),
        "out_trade_no": f"B-{event.number}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "bank_type": "CMB_DEBIT",
        "success_time": _time(event.time_ms),
        "payer": {"openid": who["openid"]},
        "amount": {"total": event.fen, "payer_total": event.fen, "currency": "CNY"},
        "scene_info": {"device_id": f"SH-{event.number % 300:03}"},
    }


def _refund_data(event: Event) -> dict[str, object]:
    return {
        "mchid": "1649206183",
        "transaction_id": _transaction(event.paid),
        "out_trade_no": f"B-{event.paid}",
        "refund_id": f"5030{event.number:024d}",
        "out_refund_no": f"R-{event.number}",
        "refund_status": "SUCCESS",
        "success_time": _time(event.time_ms),
        "amount": {
            "total": event.paid_fen,
            "refund": event.fen,
            "payer_total": event.paid_fen,
            "payer_refund": event.fen,
        },
    }


def _transaction(number: int) -> str:
    return f"4200{number:024d}"


def _openid(origin: int) -> str:  # 28 characters, as WeChat's
    return f"o{'Acc7' if origin & 1 else 'Min1'}_{origin >> 1:022d}"


def _unionid(person: int) -> str:
    return f"oUni0_{person:022d}"


def _time(time_ms: int) -> str:
    return f"{_second(time_ms // 1000)}.{time_ms % 1000:03}+08:00"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    moment = _EPOCH + timedelta(seconds=second + _SHANGHAI_MS // 1000)
    return moment.isoformat()
