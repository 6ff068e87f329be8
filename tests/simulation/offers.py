# SPDX-License-Identifier: Apache-2.0
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
class _Announced:
    """Of one consumer: the points of the live offer, and when the last good news came, ms."""

    points: int = 0
    pending: int = 0
    at: int = 0


def check_offers(world: World, expected: Result) -> None:
    """Revisions without a gap, one live offer, right at rest; payouts add up."""
    announced: dict[str, _Announced] = defaultdict(_Announced)
    revisions: dict[str, int] = defaultdict(int)
    paid: Counter[str] = Counter()
    for type_, body in bodies(world.log.outputs[OFFERS]):
        if type_.startswith("consent"):
            continue
        if type_.startswith("payout"):
            paid[body["member_id"]] += body["points"]  # a correction's are negative
            continue
        offer = body["offer_id"]
        same(body["revision"], revisions[offer] + 1, Check.ANNOUNCED)
        revisions[offer] += 1
        _read(announced[body["consumer_id"]], type_, body)
    for who in sorted({*announced, *expected.live}):
        _check_announced(world, who, announced[who], expected)
    _check_paid(world, expected, paid)


def _read(announced: _Announced, type_: str, body: dict[str, Any]) -> None:
    text = f"{type_} after {announced}"
    demand(("issued" in type_) == (not announced.points), Check.ANNOUNCED, text)
    if "points" in body and "accepted" not in type_:
        announced.points, announced.pending = body["points"], body.get("pending_points", 0)
        announced.at = time_ms(datetime.fromisoformat(body["as_of"]))
    else:
        announced.points = announced.pending = 0


def _check_announced(world: World, who: str, announced: _Announced, expected: Result) -> None:
    """A rise may wait for the cool-down, a fall never, nor that more of it is paid later."""
    live = expected.live.get(who, 0)
    rules = world.book.at(world.clock)
    cooldown_ms = max((block.cooldown_ms for block in rules.offers), default=0) if rules else 0
    waits = announced.points < live and world.clock < announced.at + cooldown_ms
    text = f"{who} was announced {announced}, enrolment would pay {live}"
    demand(announced.points == live or waits, Check.ANNOUNCED, text)
    at_once = live - expected.pending.get(who, 0) if live else 0
    text = f"{text}, at once {at_once}"
    demand(announced.points - announced.pending <= at_once, Check.ANNOUNCED, text)


def _check_paid(world: World, expected: Result, paid: Counter[str]) -> None:
    due: Counter[str] = Counter()
    for (_, member), points in expected.payouts.items():
        due[member] += points
    if world.people is not None:
        due = world.people.paid(expected)
    else:  # each enrolment is answered, also by a payout of nothing
        same(sorted(expected.members - {*paid}), [], Check.PAID)
    unsure = world.people.unsure if world.people else set()
    members = sorted({*paid, *due} - unsure)
    same({m: paid[m] for m in members}, {m: due[m] for m in members}, Check.PAID)
