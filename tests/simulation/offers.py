"""The offers topic as the CRM reads it (P5): what it says is right, or lags for a while."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from schemas.base import time_ms
from tests.simulation.reading import OFFERS, bodies
from tests.simulation.violation import Check, demand, same
from tests.support.model import Result

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class _Told:
    """Of one consumer: the points of the live offer, and when the last good news came, ms."""

    points: int = 0
    at: int = 0


def check_offers(world: World, expected: Result) -> None:
    """Revisions without a gap, one live offer, right at rest; payouts add up."""
    told: dict[str, _Told] = defaultdict(_Told)
    revisions: dict[str, int] = defaultdict(int)
    paid: Counter[str] = Counter()
    for type_, body in bodies(world.log.outputs[OFFERS]):
        if type_.startswith("payout"):
            paid[body["member_id"]] += body["points"]  # a correction's are negative
            continue
        offer = body["offer_id"]
        same(body["revision"], revisions[offer] + 1, Check.TOLD)
        revisions[offer] += 1
        _hear(told[body["consumer_id"]], type_, body)
    for who in sorted({*told, *expected.live}):
        _check_told(world, who, told[who], expected.live.get(who, 0))
    _check_paid(world, expected, paid)


def _hear(told: _Told, type_: str, body: dict[str, Any]) -> None:
    text = f"{type_} after {told}"
    demand(("issued" in type_) == (not told.points), Check.TOLD, text)
    if "points" in body and "accepted" not in type_:
        told.points = body["points"]
        told.at = time_ms(datetime.fromisoformat(body["as_of"]))
    else:
        told.points = 0


def _check_told(world: World, who: str, told: _Told, live: int) -> None:
    """A rise may wait for the cool-down, a fall never."""
    rules = world.book.at(world.clock)
    cooldown_ms = rules.offers.cooldown_ms if rules and rules.offers else 0
    waits = told.points < live and world.clock < told.at + cooldown_ms
    text = f"{who} was told {told}, enrolment would pay {live}"
    demand(told.points == live or waits, Check.TOLD, text)


def _check_paid(world: World, expected: Result, paid: Counter[str]) -> None:
    due: Counter[str] = Counter()
    for (_, member), points in expected.payouts.items():
        due[member] += points
    if world.people is not None:
        due = world.people.paid(expected)
    unsure = world.people.unsure if world.people else set()
    members = sorted({*paid, *due} - unsure)
    same({m: paid[m] for m in members}, {m: due[m] for m in members}, Check.PAID)
