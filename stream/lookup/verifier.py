# SPDX-License-Identifier: Apache-2.0
"""Verify a live system: read every entity in pages, and read again those that look wrong.

A message may be under way between two entities, and a commit may land between two reads. So a fault
counts only if it is found again after a while, more than once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final

import msgspec

from stream.engine.audit.verify import (
    Fault,
    Violation,
    account_of,
    origins_of,
    settled_at,
    violations,
)
from stream.engine.model.decision import Entity
from stream.engine.model.payment import Payment
from stream.engine.model.state import Origin
from stream.engine.storage.codec import load_entity
from stream.lookup.entity_reader import EntityReader
from stream.lookup.rules_in_force import book_of
from stream.tables import Tables, View

#: More are not kept: a system with so many faults needs no complete list.
SUSPECTS_MAX: Final = 10_000
ROUNDS: Final = 2
#: How many of the heaviest entities a report names.
HEAVIEST: Final = 10
_PAGE_ENTITIES: Final = 200


@dataclass(slots=True)
class Report:
    """What was read, and what is wrong. ``points`` are balances, ``offered`` the live offers."""

    accounts: int = 0
    origins: int = 0
    payments: int = 0
    points: int = 0
    live_offers: int = 0
    offered: int = 0
    passing: int = 0  # faults that were gone at the second look
    complete: bool = True  # False: there were more suspects than are kept
    violations: list[Violation] = field(default_factory=list)
    heaviest: list[tuple[int, str]] = field(default_factory=list)  # bytes, key; most bytes first

    def weigh(self, values: Mapping[str, bytes]) -> None:
        """Remember the heaviest entities; an entity may come twice."""
        sizes = {key: size for size, key in self.heaviest}
        sizes.update({key: len(value) for key, value in values.items()})
        ranked = nlargest(HEAVIEST, ((size, key) for key, size in sizes.items()))
        self.heaviest = ranked

    def add(self, entity: Entity) -> None:
        self.origins += isinstance(entity, Origin)
        self.payments += isinstance(entity, Payment)
        account = account_of(entity)
        if account is None:
            return
        self.accounts += 1
        self.points += account.posted.balance
        if account.last_offer is not None and account.last_offer.live:
            self.live_offers += 1
            self.offered += account.last_offer.points


#: Faults of one entity by what they are.
_Faults = dict[Fault, Violation]


class Verifier:
    """Checks all entities of a deployment by the rules by which their partitions decided."""

    def __init__(
        self,
        tables: Tables,
        partitions: int,
        *,
        patience_s: float = 5.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tables, self._partitions = tables, partitions
        self._reader = EntityReader(tables, partitions)
        self._patience_s, self._sleep = patience_s, sleep

    async def run(self) -> Report:
        """Verify all; memory is bounded by a page of entities and the suspects' keys."""
        report, suspects = Report(), dict[str, _Faults]()
        for partition in range(self._partitions):
            async for view in self._tables.scan_entities(partition):
                for key, faults in (await self._faults(partition, view, report)).items():
                    if len(suspects) >= SUSPECTS_MAX:
                        report.complete = False
                        break
                    suspects[key] = faults
        seen = sum(map(len, suspects.values()))
        for _ in range(ROUNDS):
            if suspects:
                await self._sleep(self._patience_s)
                suspects = await self._again(suspects)
        report.violations = [v for key in sorted(suspects) for v in suspects[key].values()]
        report.passing = seen - len(report.violations)
        return report

    async def _again(self, suspects: dict[str, _Faults]) -> dict[str, _Faults]:
        """The suspects that still have a fault they had before."""
        still: dict[str, _Faults] = {}
        for partition, keys in self._reader.by_partition(suspects).items():
            for page in _pages(keys):
                view = await self._tables.view(partition, page)
                for key, faults in (await self._faults(partition, view)).items():
                    same = {f: v for f, v in faults.items() if f in suspects[key]}
                    if same:
                        still[key] = same
        return still

    async def _faults(
        self, partition: int, view: View, report: Report | None = None
    ) -> dict[str, _Faults]:
        book = await book_of(self._tables, partition)
        found: dict[str, _Faults] = {}
        entities: dict[str, Entity] = {}
        if report is not None:
            report.weigh(view.values)
        for key, value in view.values.items():
            try:
                entities[key] = load_entity(key, value)
            except (KeyError, msgspec.MsgspecError):
                found[key] = {Fault.UNREADABLE: Violation(key, Fault.UNREADABLE, len(value), 0)}
                continue
            if report is not None:
                report.add(entities[key])
        for page in _pages(list(entities)):
            origins = await self._origins({o for key in page for o in origins_of(entities[key])})
            for key in page:
                wrong, *others = (
                    {v.fault: v for v in violations(key, entities[key], origins, book, as_of)}
                    for as_of in settled_at(view.clock_ms, view.due_ms.get(key))
                )
                if faults := {f: wrong[f] for f in wrong if all(f in other for other in others)}:
                    found[key] = faults
        return found

    async def _origins(self, keys: set[str]) -> dict[str, Origin]:
        """Those that can be decoded; the page of the others reports them."""
        entities = await self._reader.readable(sorted(keys))
        return {key: entity for key, entity in entities.items() if isinstance(entity, Origin)}


def _pages(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(keys), _PAGE_ENTITIES):
        yield keys[at : at + _PAGE_ENTITIES]
