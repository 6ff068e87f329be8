# SPDX-License-Identifier: Apache-2.0
"""Redis in this world: the tables in memory, watched, and each worker's line to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

from stream.engine.model.ruleset import RuleBook
from stream.engine.model.ruling import RULES_NOTE, read_rules
from stream.engine.model.state import Account, Origin
from stream.engine.points.balance import evaluate
from stream.engine.storage.codec import load_entity
from stream.tables.base import Claim, Commit, Committed, Fenced, Pending, Record, View
from stream.tables.memory import MemoryTables, joined
from stream.tables.pieces import numbers_of
from stream.worker.partition_step import WAKING_NOTE
from tests.simulation.log import NAMES
from tests.simulation.reading import entry_of, id_of
from tests.simulation.scheduler import pause
from tests.simulation.violation import Check, demand

#: The partitions' contents, and who owned them then.
Backup = tuple[list[Any], dict[int, str]]


class Store(MemoryTables):
    """Sees every claim and commit, and what each makes of the promises at that very moment."""

    def __init__(self, partitions: int, clock_ms: Callable[[], int]) -> None:
        super().__init__(partitions, clock_s=lambda: clock_ms() / 1000)
        self._owners: dict[int, str] = {}
        self._epochs = 0
        self.forgetful: Callable[[], bool] = lambda: False  # whether somebody was erased
        self.promised: dict[Record, None] = {}  # every output ever committed, in order
        self.by_id: dict[str, Record] = {}
        self.history: dict[str, list[bytes | None]] = defaultdict(lambda: [None])

    # faults ----------------------------------------------------------------------------------

    def backup(self) -> Backup:
        return deepcopy((self._partitions, self._owners))

    def restore(self, backup: Backup | None, only: int | None = None) -> None:
        """Go back to a copy, or to nothing."""
        number = len(self._partitions)
        empty: Backup = (MemoryTables(number)._partitions, {})
        partitions, owners = deepcopy(backup) if backup else empty
        for partition in range(number):
            if only is None or partition == only:
                self._partitions[partition] = partitions[partition]
                # Who owned it then may go on where it stood then: its next commit is the same.
                self._owners[partition] = owners.get(partition, "nobody")

    def earliest_due(self) -> dict[int, int]:
        """The earliest due time (ms) of each partition which has one."""
        orders = enumerate(partition.due_order for partition in self._partitions)
        return {number: order[0][0] for number, order in orders if order}

    def every_entity(self) -> dict[str, bytes]:
        return {
            key: self._whole(number, key)
            for number, partition in enumerate(self._partitions)
            for key in partition.values
        }

    def stray_pages(self) -> list[str]:
        """Keys with pages which their values do not name."""
        return [
            key
            for partition in self._partitions
            for key, pages in partition.pages.items()
            if {*pages} != {*numbers_of(partition.values.get(key))}
        ]

    def _whole(self, partition: int, key: str) -> bytes:
        """A value that is there, with its pages."""
        found = self._partitions[partition]
        return joined(found.values[key], found.pages.get(key, {}))

    # what workers do ---------------------------------------------------------------------------

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        claims = await super().claim(partitions, generation, owner)
        for number, claim in claims.items():
            # An epoch is never handed out twice, not even by a restored store: claim.lua takes
            # the server's time for it.
            self._epochs = max(self._epochs + 1, claim.epoch)
            self._partitions[number].epoch = self._epochs
            claims[number] = replace(claim, epoch=self._epochs)
            self._owners[number] = owner
        return claims

    def book(self, partition: int) -> RuleBook:
        """The rules by which a partition decides."""
        return read_rules(self._partitions[partition].notes[RULES_NOTE]).book

    def waking(self) -> list[int]:
        """The partitions in which some have not heard of a coming version."""
        notes = enumerate(partition.notes for partition in self._partitions)
        return [number for number, found in notes if int(found.get(WAKING_NOTE, b"0"))]

    async def commit_by(self, owner: str, commit: Commit) -> Committed | Fenced:
        before = await self.entities(commit.partition)
        applied_before = self._partitions[commit.partition].applied_offset
        (answer,) = await super().commit([commit])
        changed = self._partitions[commit.partition].applied_offset != applied_before
        if isinstance(answer, Committed) and (changed or commit.writes or commit.outputs):
            self._watch(owner, commit, before, changed)
        return answer

    def _watch(
        self, owner: str, commit: Commit, before: Mapping[str, bytes], changed: bool
    ) -> None:
        demand(
            not changed or self._owners.get(commit.partition) == owner,
            Check.FENCE,
            f"{owner} committed to partition {commit.partition} of another",
        )
        entries: dict[str, int] = {}
        for record in commit.outputs:
            self.promised[record] = None
            if record.topic == NAMES.resolved:
                continue
            id_ = id_of(record)
            known = self.by_id.setdefault(id_, record)
            entry = entry_of(record)
            # An erased account that is announced again takes the points in and drops them again.
            cause = entry["cause"] if entry else ""
            again = self.forgetful() and cause.startswith(("attach:", "erase:"))
            same = again or known == record
            demand(same, Check.BYTES, f"{known} and {record} have one id")
            if entry is not None:
                entries[entry["consumer_id"]] = entry["balance"]
        if changed:
            for key, write in commit.writes.items():
                value = None if write.value is None else self._whole(commit.partition, key)
                self.history[key].append(value)
                account = account_of(key, value)
                _check_balance(key, account, before.get(key), entries.get(key))
                if write.due_ms is None or write.due_ms > commit.clock_ms:
                    _check_offer(key, account, self.book(commit.partition), commit.clock_ms)


def _check_balance(
    key: str, account: Account | None, before: bytes | None, balance: int | None
) -> None:
    """P4 at a commit."""
    old, posted = account_of(key, before), account.posted.balance if account else 0
    if balance is None:
        balance = old.posted.balance if old else 0
    text = f"{key}: the ledger says {balance}, the account {posted}"
    demand(balance == posted, Check.CONSERVATION, text)


def _check_offer(key: str, account: Account | None, book: RuleBook, clock_ms: int) -> None:
    """P5 at a commit, where nothing is due."""
    last = account.last_offer if account else None
    if account is None or last is None or not last.live:
        return
    due, policy = evaluate(account, book, clock_ms).payable, book.at(clock_ms)
    cooldown_ms = max((block.cooldown_ms for block in policy.offers), default=0) if policy else 0
    waits = last.points < due and clock_ms < last.announced_at + cooldown_ms
    text = f"{key}: announced {last.points}, enrolment would pay {due}"
    demand(last.points == due or waits, Check.OFFER, text)


def account_of(key: str, value: bytes | None) -> Account | None:
    """The account in an entity, if there is one."""
    entity = None if value is None else load_entity(key, value)
    if isinstance(entity, Origin):
        return entity.account
    return entity if isinstance(entity, Account) else None


class Line:
    """A worker's line to the store: everything takes time, and an answer may be lost."""

    def __init__(
        self,
        store: Store,
        owner: str,
        random: Random,
        *,
        stale: float = 0.0,
        lost_replies: float = 0.0,
    ) -> None:
        self._store, self._owner, self._random = store, owner, random
        self._stale, self._lost_replies = stale, lost_replies

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        return True

    async def pending(self, partition: int) -> list[Pending]:
        return await self._store.pending(partition)

    async def drop_pending(self, partition: int, sequence: int) -> bool:
        return await self._store.drop_pending(partition, sequence)

    async def trouble(self) -> str:
        return ""

    async def check(self) -> None: ...

    async def resume(self, topic: str, partition: int, before: int) -> None:
        raise NotImplementedError  # no worker of ours has source partitions

    async def resumed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {}

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        claims: dict[int, Claim] = {}
        for partition in partitions:
            await pause()
            claims |= await self._store.claim([partition], generation, owner)
        await pause()
        return claims

    async def heads(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        return await self.load(wanted)

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for partition, keys in wanted.items():
            await pause()
            for key, value in (await self._store.load({partition: keys})).items():
                found[key] = value
            for key in keys:
                if self._stale and self._random.random() < self._stale:
                    value_then = self._random.choice(self._store.history[key])
                    found.pop(key, None)
                    if value_then is not None:
                        found[key] = value_then
        await pause()
        return found

    async def positions(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        await pause()
        return await self._store.positions(partitions)

    async def due(self, partition: int, now_ms: int, limit: int) -> list[str]:
        await pause()
        return await self._store.due(partition, now_ms, limit)

    async def due_after(self, partition: int, after_ms: int, limit: int) -> list[str]:
        await pause()
        return await self._store.due_after(partition, after_ms, limit)

    async def notes(self, partitions: Sequence[int], name: str) -> dict[int, bytes]:
        await pause()
        return await self._store.notes(partitions, name)

    async def next_due(self, partitions: Sequence[int]) -> dict[int, int]:
        await pause()
        return await self._store.next_due(partitions)

    async def commit(self, commits: Sequence[Commit]) -> list[Committed | Fenced]:
        answers = []
        for commit in commits:
            await pause()
            answer = await self._store.commit_by(self._owner, commit)
            if self._random.random() < self._lost_replies:
                await pause()
                answer = await self._store.commit_by(self._owner, commit)
            answers.append(answer)
        await pause()  # it has landed, and the worker does not know yet
        return answers

    async def counts(self, partitions: Sequence[int]) -> dict[str, int]:
        return await self._store.counts(partitions)

    async def entities(self, partition: int) -> dict[str, bytes]:
        return await self._store.entities(partition)

    def scan_entities(self, partition: int) -> AsyncIterator[View]:
        return self._store.scan_entities(partition)

    async def view(self, partition: int, keys: Sequence[str]) -> View:
        return await self._store.view(partition, keys)
