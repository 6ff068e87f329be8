# SPDX-License-Identifier: Apache-2.0
"""What must be true whenever everything has come to rest.

The expected figures are those of the naive model (``tests.support.model``), which sees the set
of published events and knows nothing of order, state and faults.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from schemas import format_ms
from stream.engine.model.outcomes import Outcome
from stream.lookup.budgets import granted_by_campaign
from stream.worker.in_process import drive
from tests.simulation.log import NAMES
from tests.simulation.offers import check_offers
from tests.simulation.reading import (
    IDENTITY,
    LEDGER,
    OFFERS,
    TRAITS,
    bodies,
    first_of_each,
    new_by_sequence,
)
from tests.simulation.replay import check_replay
from tests.simulation.store import account_of
from tests.simulation.violation import Check, demand, same
from tests.support.model import Result
from tests.support.people import People
from tests.support.snapshot import snapshot
from tests.support.traits import nudged, told

if TYPE_CHECKING:
    from tests.simulation.world import World


def check(world: World) -> None:
    """Raise :class:`Violation` for the first promise that does not hold."""
    expected, entities = world.expected(), world.store.every_entity()
    found = snapshot(entities, world.book, world.clock)
    same(found.binds, expected.binds, Check.BINDS)
    same(found.balances, expected.balances, Check.BALANCES)
    same(found.live, expected.live, Check.LIVE)
    same(found.blocks, expected.blocks, Check.LIVE)
    _check_outputs(world)
    same(world.store.stray_pages(), [], Check.PAGES)
    same(found.payouts, expected.payouts, Check.PAYOUTS)
    same(found.spent, expected.spent, Check.SPENT)
    same(found.classes, expected.classes, Check.CLASSES)
    traits = [*bodies(world.log.outputs[TRAITS])]
    same(told(traits), expected.told, Check.TOLD)
    same(nudged(traits, format_ms(world.clock)), expected.nudges, Check.NUDGES)
    _check_counts(world, expected)
    _check_ledger(world, entities)
    _check_granted(world)
    check_offers(world, expected)
    _check_identity(world, expected)
    if world.people is not None:
        _check_erased(world.people, entities)
    check_replay(world, entities)


def _check_erased(people: People, entities: dict[str, bytes]) -> None:
    """P10. Payments, which a sweep removes, may still name their payer."""
    names = [(key, key.encode()) for key in people.gone()]
    for key, value in entities.items():
        if not key.startswith(("tx.", "erased.")):
            for gone, name in names:
                named = gone == key or name in value
                demand(not named, Check.ERASED, f"{gone} is erased, and named by {key}")


def _check_outputs(world: World) -> None:
    lost = [record for record in world.store.promised if record not in world.log.published]
    demand(not lost, Check.LOST_OUTPUT, f"{len(lost)} committed, never published: {lost[:1]}")
    for topic in (OFFERS, LEDGER, IDENTITY, TRAITS):
        records = world.log.outputs[topic]
        same(new_by_sequence(records), first_of_each(records), Check.SEQUENCE)


def _check_counts(world: World, expected: Result) -> None:
    """Exact; but what was identified or sent on twice is one more duplicate, or refused again."""
    poison = sum(input_.event is None for input_ in world.published)
    same(len(first_of_each(world.log.outputs[NAMES.dead_letters])), poison, Check.COUNTS)
    stored = drive(world.store.counts(range(world.plan.partitions)))
    found = Counter({outcome: n for outcome, n in stored.items() if n})
    if world.people is not None:  # it depends on the order what was erased before it counted
        if not (world.disturbed or world.log.repeated):
            same(sum(found.values()), len(world.published) - poison, Check.COUNTS)
        return
    if world.disturbed or world.log.repeated:
        for outcome in (Outcome.DUPLICATE, Outcome.REFUSED):
            more = found[outcome] >= expected.outcomes[outcome]
            demand(more, Check.COUNTS, f"{outcome}: {found}, expected {expected.outcomes}")
        for counts in (found, expected.outcomes):  # late: a repetition beyond the horizon
            for outcome in (Outcome.DUPLICATE, Outcome.REFUSED, Outcome.LATE):
                del counts[outcome]
    same(found, +expected.outcomes, Check.COUNTS)


def _check_ledger(world: World, entities: dict[str, bytes]) -> None:
    """Running balances are continuous, nothing is made by moving it, and the sums are right."""
    sums: Counter[str] = Counter()
    moved = 0
    for _, entry in bodies(world.log.outputs[LEDGER]):
        who = entry["consumer_id"]
        sums[who] += entry["points"]
        text = f"{entry}: the entries before it say {sums[who]}"
        demand(entry["balance"] == sums[who], Check.LEDGER, text)
        if entry["kind"].startswith("transfer"):
            moved += entry["points"]
    accounts = {key: account_of(key, value) for key, value in entities.items()}
    posted = {key: a.posted.balance for key, a in accounts.items() if a and a.posted.balance}
    same({who: points for who, points in sums.items() if points}, posted, Check.LEDGER)
    # An erased account that was announced again has taken the points in, and dropped them, again.
    again = world.log.repeated and world.people is not None and world.people.floors
    demand(moved == 0 or bool(again), Check.LEDGER, f"{moved} points arose by moving points")


def _check_granted(world: World) -> None:
    """What campaigns with a budget have granted is what the ledger says, if it has all of it."""
    if world.people is not None:  # some of it may be erased
        return
    said: Counter[str] = Counter()
    for _, entry in bodies(world.log.outputs[LEDGER]):
        if entry["kind"] in ("accrual", "clawback") and entry.get("campaign") in world.book.budgets:
            said[entry["campaign"]] += entry["points"]
    granted = drive(granted_by_campaign(world.store, world.plan.partitions))
    same(+granted, +said, Check.GRANTED)


def _check_identity(world: World, expected: Result) -> None:
    binds: dict[str, tuple[int, str]] = {}
    for type_, body in bodies(world.log.outputs[IDENTITY]):
        if type_ == "origin.conflicted.v1":
            continue
        origin = f"origin.{body['appid']}.{body['openid']}"
        bound = body["consumer_id"] if type_ == "origin.bound.v1" else ""
        later = max(binds.get(origin, (0, "")), (body["generation"], bound))
        binds[origin] = later
    # That an erased origin is nobody's any more is not announced: its binding has been erased.
    floors = world.people.floors if world.people else {}
    lost = {*floors} - {*expected.binds}
    known = {o: union for o, (_, union) in binds.items() if union and o not in lost}
    same(known, expected.binds, Check.IDENTITY)
