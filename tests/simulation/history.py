# SPDX-License-Identifier: Apache-2.0
"""Histories in a very small universe: three openids, two people, three payments, collisions.

:func:`history` is about anything; in the others every origin belongs to one person at most, since
what is erased in the middle of a quarrel depends on who was ahead by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import msgspec

from schemas import Event
from tests.support import events, lives
from tests.support.books import DAY, START

_PARTS = (0, 1, 5 * 3_600_000, 12 * 3_600_000, DAY - 1)
_FENS = (1, 33, 1050, 1999, 2000, 5000)
_DAYS = 20
#: Types whose business key is not the event's id: a sender may send them under another id.
_KEYED = frozenset(
    {
        "payment.succeeded.v1",
        "refund.succeeded.v1",
        "attendee.checked_in.v1",
        "check_in.reverted.v1",
        "account.followed.v1",
        "member.enrolled.v1",
        "coupon.received.v1",
        "coupon.used.v1",
        "unionid.resolved.v1",
        "openid.changed.v1",
    }
)
_APPS = ("wxmp", "wxoa", "wxmv")

#: When it is published (ms), and the event; ``None``: something unreadable.
Published = tuple[int, Event | None]


@dataclass
class _Universe:
    random: Random
    openids: list[str]
    days: int
    start: int = START
    season: str = ""  # part of the ids of payments, refunds and tickets
    unions: dict[str, str] | None = None  # openid -> whose it is; None: any
    paid: set[str] = field(default_factory=set)
    paid_at: dict[str, int] = field(default_factory=dict)  # by transaction, ms
    paid_fen: dict[str, int] = field(default_factory=dict)  # by transaction
    coupons: int = 0
    refunded: set[tuple[str, str]] = field(default_factory=set)
    checked: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)

    def time(self) -> int:
        return self.start + self.random.randrange(self.days) * DAY + self.random.choice(_PARTS)

    def openid(self) -> str:
        return self.random.choice(self.openids)

    def union(self, openid: str = "") -> str:
        """Anyone's, or that of an openid."""
        if openid and self.unions is not None:
            return self.unions[openid]
        return self.random.choice(events.UNIONS)

    def transaction(self) -> str:
        return self.random.choice(events.TRANSACTIONS) + self.season.removeprefix("-")

    def fen(self, transaction: str) -> int:
        """Mostly what whoever else reports the payment says, too."""
        fen = self.random.choice(_FENS)
        return self.random.choice([fen, *[self.paid_fen.setdefault(transaction, fen)] * 3])

    def anyone(self) -> dict[str, str]:
        origin = {"appid": "wxmp", "openid": self.openid()}
        person = {"unionid": self.union(), "open_account": "brand"}
        both = {**person, "unionid": self.union(origin["openid"]), **origin}
        return self.random.choice([origin, origin, person, both])

    def customer(self) -> dict[str, str]:
        return self.random.choice(
            [
                self.anyone(),
                self.anyone(),
                {"transaction_id": self.transaction()},
                {"consumer_id": f"union.brand.{self.union()}"},
                {"consumer_id": f"origin.wxmp.{self.openid()}"},
                {"consumer_id": f"union.wxmp.{self.openid()}"},  # the profile of its aliases
            ]
        )


def _pay(u: _Universe) -> Event | None:
    transaction = u.transaction()
    if transaction in u.paid:  # a payment happens once
        return None
    u.paid.add(transaction)
    fen = u.fen(transaction)
    paid = u.random.choice([fen, fen, max(1, fen // 2)])
    at = u.paid_at.setdefault(transaction, u.time())
    return events.payment(at, transaction, u.openid(), fen, paid)


def _mall(u: _Universe) -> Event | None:
    """A payment which only the mall reports, or which it reports, too: by any openid."""
    transaction = u.transaction()
    if f"{transaction} in a mall" in u.paid:
        return None
    u.paid.add(f"{transaction} in a mall")
    at = u.paid_at.setdefault(transaction, u.time())
    app, fen = u.random.choice(_APPS), u.fen(transaction)
    return events.mall_payment(at, transaction, u.openid(), fen, app)


def _till(u: _Universe) -> Event:
    """A till says who paid: the first of all, or somebody else than WeChat says."""
    transaction = u.transaction()
    at = u.paid_at.setdefault(transaction, u.time())
    fen = u.fen(transaction)
    return events.payment(at, transaction, u.openid(), fen, source=events.TILL)


def _coupon(u: _Universe) -> Event:
    """Given to somebody, or given for a payment; sometimes the payer holds another openid."""
    u.coupons += 1
    openid = u.openid()
    origin = {"appid": "wxmp", "openid": openid}
    holder = u.random.choice([{}, origin, {**origin, "unionid": u.union(openid)}])
    transaction = "" if holder and u.random.random() < 0.5 else u.transaction()
    return events.coupon_received(u.time(), f"c{u.coupons}{u.season}", holder, transaction)


def _coupon_used(u: _Universe) -> Event:
    u.coupons += 1
    return events.coupon_used(u.time(), f"c{u.coupons}{u.season}", u.transaction())


def _resolved(u: _Universe) -> Event:
    openid, app = u.openid(), u.random.choice(["wxmp", "wxoa"])
    return events.resolved(u.time(), openid, u.union(openid), app)


def _changed(u: _Universe) -> Event:
    """From another app, or within one: chains and circles come about."""
    former, openid = u.random.sample(events.OPENIDS, 2)
    if u.random.random() < 0.3:
        return events.changed(u.time(), former, openid, "wxmp")
    return events.changed(u.time(), u.random.choice([former, openid]), openid)


def _refund(u: _Universe) -> Event | None:
    transaction, refund_id = u.transaction(), u.random.choice(["r1", "r2", "r3"]) + u.season
    if any(refund_id == known for _, known in u.refunded):
        return None
    u.refunded.add((transaction, refund_id))
    fen = u.random.choice(_FENS)
    if u.random.random() < 0.2:  # by a mall, which may never have heard of the payment
        return events.mall_refund(u.time(), transaction, refund_id, fen, u.openid())
    return events.refund(u.time(), transaction, refund_id, fen)


def _check_in(u: _Universe) -> Event:
    at, ticket, who = u.time(), f"k{len(u.checked)}{u.season}", u.anyone()
    u.checked.append((at, ticket, who))
    return events.check_in(at, ticket, who)


def _bind(u: _Universe) -> Event:
    openid = u.openid()
    return events.login(u.time(), openid, u.union(openid))


def _revert(u: _Universe) -> Event | None:
    if not u.checked:
        return None
    at, ticket, who = u.random.choice(u.checked)
    return events.revert(at + u.random.choice([1, DAY]), ticket, who, at)


_WORDS = ("granted", "granted", "granted", "paused", "withdrawn")
_MAKERS: dict[str, Callable[[_Universe], Event | None]] = {
    "payment": _pay,
    "refund": _refund,
    "bind": _bind,
    "login": lambda u: events.login(u.time(), u.openid()),
    "snapshot": lambda u: events.login(u.time(), u.openid(), u.union(), snapshot=True),
    "follow": lambda u: events.follow(u.time(), u.openid()),
    "view": lambda u: events.page_view(u.time(), u.openid()),
    "check-in": _check_in,
    "revert": _revert,
    "enrolment": lambda u: events.enrolled(u.time(), u.random.choice(["m1", "m2"]), u.customer()),
    "consent": lambda u: events.consent(u.time(), u.random.choice(_WORDS), u.customer()),
    "mall": _mall,
    "till": _till,
    "coupon": _coupon,
    "coupon used": _coupon_used,
    "resolved": _resolved,
    "changed": _changed,
    "moved": lambda u: events.login(u.time(), u.openid(), u.union(), app="wxmv"),
    "separate": lambda u: events.unbind(u.time(), u.openid(), u.openid(), "wxmp"),
    "unbind": lambda u: events.unbind(u.time(), u.openid(), u.union()),
    "poison": lambda u: None,
}
#: Kinds which contradict nothing that is known of an origin.
_PEACEFUL = sorted(
    {*_MAKERS} - {"unbind", "separate", "mall", "till", "coupon", "changed", "moved"}
)
_KINSHIP = ("mall", "till", "changed", "coupon", "resolved", "moved", "bind")
_USUAL = ("payment", "refund", "bind", "login", "view", "check-in")


def history(random: Random) -> list[Published]:
    """5 to 60 publications, of the few kinds which this seed is about."""
    kinds = [*random.sample(_USUAL, random.randint(2, len(_USUAL)))]
    kinds += random.sample([*_MAKERS], random.randint(0, 7))
    if random.random() < 0.4:  # who is who, and who paid
        kinds += random.sample(_KINSHIP, 3)
    openids = random.sample(events.OPENIDS, random.randint(1, 3))
    if random.random() < 0.1:  # a tug of war over one origin
        kinds, openids = ["bind", "check-in", "view", random.choice([*_MAKERS])], openids[:1]
    elif random.random() < 0.1:  # payments with two payers each
        kinds, openids = (
            ["payment", "mall", "till", "bind", "resolved", "refund"],
            [*events.OPENIDS],
        )
    universe = _Universe(random, openids, random.choice([3, 12, _DAYS]))
    return _publish(universe, kinds, random.choice([5, 8, 12, 20, 40, 60]))


def forgetting(random: Random) -> list[Published]:
    """Up to three times somebody asks to be forgotten; much is late, and people come back."""
    kinds = [*random.sample(_USUAL, random.randint(3, len(_USUAL))), "bind", "consent"]
    kinds += random.sample(_PEACEFUL, random.randint(0, 3))
    universe = _peaceful(random, START, "")
    found = _publish(universe, kinds, random.choice([8, 12, 20, 30]))
    times = [at for at, _ in found]
    for _ in range(random.choice([1, 1, 2, 3])):
        at = random.choice(times) + random.choice([0, 1])
        # Later than everything before it: clocks differ by a minute (see _publications).
        request = events.event("erase.requested.v1", at + 60_000, universe.customer())
        found.append((at, request))
        if random.random() < 0.3:
            found.append((at + random.choice([15_000, DAY, 5 * DAY]), request))
        if random.random() < 0.5:
            found += _comes_back(universe, at + random.choice([120_000, DAY]))
    return found


def _comes_back(u: _Universe, at: int) -> list[Published]:
    """After an erasure: agrees anew, and is somebody again."""
    openid, transaction = u.openid(), f"back-{len(u.paid)}"
    u.paid.add(transaction)
    who = {"appid": "wxmp", "openid": openid}
    back = [
        events.consent(at, "granted", who),
        events.login(at + 1, openid, u.union(openid)),
        events.payment(at + 2, transaction, openid, u.random.choice(_FENS)),
    ]
    return [(event.time_ms, event) for event in back]


def seasons(random: Random) -> list[Published]:
    """Two or three short seasons with long rests between them."""
    found: list[Published] = []
    kinds = [*random.sample(_USUAL, random.randint(2, len(_USUAL)))]
    kinds += random.sample(_PEACEFUL, random.randint(0, 3))
    unions = {openid: random.choice(events.UNIONS) for openid in events.OPENIDS}
    starts = [0, random.choice([45, 80, 105, 120]), 135]
    for number in range(random.choice([2, 2, 3])):
        universe = _peaceful(random, START + starts[number] * DAY, f"-{number}")
        universe.unions, universe.days = unions, random.choice([1, 4])
        found += _publish(universe, kinds, random.choice([2, 5, 8, 12]))
    return found


def long(random: Random) -> list[Published]:
    """A life of two years at most."""
    happened = lives.lives(random, random.choice([5, 10, 20, 40, 80]))
    return [*lives.arrivals(random, happened)]


def _peaceful(random: Random, start: int, season: str) -> _Universe:
    openids = random.sample(events.OPENIDS, random.randint(1, 3))
    unions = {openid: random.choice(events.UNIONS) for openid in events.OPENIDS}
    days = random.choice([3, 12, _DAYS])
    return _Universe(random, openids, days, start, season, unions)


def _publish(universe: _Universe, kinds: list[str], size: int) -> list[Published]:
    random = universe.random
    found: list[Published] = []
    while len(found) < size:
        kind = random.choice(kinds)
        event = _MAKERS[kind](universe)
        if kind == "poison":
            found.append((universe.time(), None))
        elif event is None:  # there is no second payment of that kind: somebody looks at a page
            event = events.page_view(universe.time(), universe.openid())
        if event is not None:
            found += _publications(random, event)
    return found[:size]


def busy_day(random: Random, cut_ms: int, from_ms: int) -> list[Published]:
    """Visits of one origin on the day of an instant, before it and after, heard of at the end."""
    who, day = (
        {"appid": "wxmp", "openid": random.choice(events.OPENIDS)},
        (cut_ms - START) // DAY * DAY + START,
    )
    number = random.randint(3, 6)
    times = [day + (cut_ms - day) * n // number for n in range(number if cut_ms > day else 0)]
    times += [cut_ms + (day + DAY - cut_ms) * n // number for n in range(number)]
    return [(max(from_ms, at), events.check_in(at, f"busy{at}", who)) for at in times]


def _publications(random: Random, event: Event) -> list[Published]:
    """Mostly soon, sometimes days late, sometimes a moment ahead of our clock; often again."""
    first = event.time_ms + random.choice([0, 1, 1000, 600_000, -60_000, DAY, 3 * DAY, 9 * DAY])
    found: list[Published] = [(first, event)]
    if random.random() < 0.25:
        again = event
        if event.type in _KEYED and random.random() < 0.5:
            again = msgspec.structs.replace(event, id=f"{event.id}-again")
        found.append((first + random.choice([0, 1, 15_000, DAY + 240_000]), again))
    return found
