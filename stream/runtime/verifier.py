"""Verifying a live system: every entity is read in pages, what looks wrong is looked at again.

A message may be on its way between two entities, and a commit may land between two reads. A
fault counts when it is still there after a while, more than once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from stream.engine.codec import load_entity
from stream.engine.decision import Entity
from stream.engine.payment import Payment
from stream.engine.ruleset import RuleBook
from stream.engine.state import Origin
from stream.engine.verify import (
    Fault,
    Violation,
    account_of,
    origins_of,
    settled_until,
    violations,
)
from stream.runtime.partitioning import entity_partition
from stream.tables import Tables, View

#: More is not remembered: a system as wrong as that needs no complete list.
SUSPECTS_MAX: Final = 10_000
ROUNDS: Final = 2
_PAGE_ENTITIES: Final = 200


@dataclass(slots=True)
class Report:
    """What was read, and what is wrong. ``points`` are the balances, ``offered`` the live N."""

    accounts: int = 0
    origins: int = 0
    payments: int = 0
    points: int = 0
    live_offers: int = 0
    offered: int = 0
    passing: int = 0  # faults which had gone when they were looked at again
    complete: bool = True  # False: there were more suspects than are remembered
    violations: list[Violation] = field(default_factory=list)

    def add(self, entity: Entity) -> None:
        self.origins += isinstance(entity, Origin)
        self.payments += isinstance(entity, Payment)
        account = account_of(entity)
        if account is None:
            return
        self.accounts += 1
        self.points += account.posted.balance
        if account.told is not None and account.told.live:
            self.live_offers += 1
            self.offered += account.told.points


#: Faults of one entity by what they are.
_Faults = dict[Fault, Violation]


class Verifier:
    """Reads all entities of a deployment; needs the rules by which the workers work."""

    def __init__(
        self,
        tables: Tables,
        book: RuleBook,
        partitions: int,
        *,
        patience_s: float = 5.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tables, self._book, self._partitions = tables, book, partitions
        self._patience_s, self._sleep = patience_s, sleep

    async def run(self) -> Report:
        """Memory is bounded by a page of entities and the suspects' keys."""
        report, suspects = Report(), dict[str, _Faults]()
        for partition in range(self._partitions):
            async for view in self._tables.scan_entities(partition):
                for key, faults in (await self._faults(view, report)).items():
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
        """Those which still have a fault that they had before."""
        still: dict[str, _Faults] = {}
        for partition, keys in self._by_partition(suspects).items():
            for page in _pages(keys):
                view = await self._tables.view(partition, page)
                for key, faults in (await self._faults(view)).items():
                    same = {f: v for f, v in faults.items() if f in suspects[key]}
                    if same:
                        still[key] = same
        return still

    async def _faults(self, view: View, report: Report | None = None) -> dict[str, _Faults]:
        found: dict[str, _Faults] = {}
        entities: dict[str, Entity] = {}
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
                as_of = settled_until(view.clock_ms, view.due_ms.get(key))
                wrong = violations(key, entities[key], origins, self._book, as_of)
                if faults := {violation.fault: violation for violation in wrong}:
                    found[key] = faults
        return found

    async def _origins(self, keys: set[str]) -> dict[str, Origin]:
        values = await self._tables.load(self._by_partition(sorted(keys))) if keys else {}
        found: dict[str, Origin] = {}
        for key, value in values.items():
            try:
                entity = load_entity(key, value)
            except (KeyError, msgspec.MsgspecError):
                continue  # its own page tells of it
            if isinstance(entity, Origin):
                found[key] = entity
        return found

    def _by_partition(self, keys: Iterable[str]) -> dict[int, list[str]]:
        wanted: dict[int, list[str]] = {}
        for key in keys:
            wanted.setdefault(entity_partition(key, self._partitions), []).append(key)
        return wanted


def _pages(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(keys), _PAGE_ENTITIES):
        yield keys[at : at + _PAGE_ENTITIES]
