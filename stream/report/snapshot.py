# SPDX-License-Identifier: Apache-2.0
"""Read everything once, partition after partition, and keep what each came to.

A run that was interrupted goes on with the partitions that it has not read. Memory holds the counts
of the figures, a page of entities, a hash of each entity of one partition (the store may give
one twice), and what ``stream.report.figures.offers`` holds.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, Protocol

import msgspec

from stream.engine.audit.verify import account_of
from stream.engine.storage.codec import load_entity
from stream.lookup.rules_in_force import book_of
from stream.report.figures.accounts import account_figures
from stream.report.figures.counts import Counts
from stream.report.figures.events import Reading, Told, Written
from stream.report.figures.movements import Movements
from stream.report.figures.offers import OfferHistory
from stream.report.figures.weights import Weights
from stream.tables import Tables

#: Gets the name of what was read, and how many of how many there are.
OnRead = Callable[[str, int, int], None]
_RUN: Final = "run.json"


class Log(Protocol):
    """The part of ``TopicReader`` that is used here."""

    def batches(self, topic: str, partition: int) -> AsyncIterator[Sequence[Written]]: ...


class Run(msgspec.Struct, frozen=True):
    """What a run counts. Another one does not go on with its partitions."""

    as_of: int  # ms
    namespace: str
    partitions: int
    ledger: str  # topics
    offers: str


class OtherRun(Exception):
    """The directory has partitions of a run with other settings; the message is a sentence."""


def begun(directory: Path, run: Run, *, as_of_given: bool) -> Run:
    """The run that goes on in a directory; ``run`` if there is none. Raises :class:`OtherRun`."""
    path = directory / _RUN
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, msgspec.json.encode(run))
        return run
    known = msgspec.json.decode(path.read_bytes(), type=Run)
    wanted = run if as_of_given else msgspec.structs.replace(run, as_of=known.as_of)
    if known != wanted:
        raise OtherRun(
            f"{directory} has a report that was interrupted and is of another time or deployment: "
            "finish it with the same settings, or remove the directory."
        )
    return known


def forget(directory: Path) -> None:
    """Remove what a finished run has kept."""
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


class Snapshot:
    """Counts the figures of a deployment. What a partition came to is kept in ``directory``."""

    def __init__(self, run: Run, tables: Tables, log: Log, directory: Path) -> None:
        self._run, self._tables, self._log, self._directory = run, tables, log, directory

    async def counts(self, on_read: OnRead) -> Counts:
        """The counts of all partitions together."""
        parts = [
            (f"{kind}-{partition:05d}", count, partition)
            for kind, count in (
                ("accounts", self._accounts),
                ("ledger", self._ledger),
                ("offers", self._offers),
            )
            for partition in range(self._run.partitions)
        ]
        total = Counts()
        for number, (name, count, partition) in enumerate(parts, 1):
            path = self._directory / name
            if not path.exists():
                _write(path, (await count(partition)).dump())
            total.merge(Counts.load(path.read_bytes()))
            on_read(name, number, len(parts))
        return total

    async def _accounts(self, partition: int) -> Counts:
        """What cannot be decoded is passed over; ``shadowpoints verify`` names it."""
        counts, weights, seen = Counts(), Weights(), set[bytes]()
        book = await book_of(self._tables, partition)
        async for view in self._tables.scan_entities(partition):
            for key, value in view.values.items():
                digest = blake2b(key.encode(), digest_size=8).digest()
                if digest in seen:
                    continue
                seen.add(digest)
                weights.add(key, len(value))
                try:
                    account = account_of(load_entity(key, value))
                except (KeyError, msgspec.MsgspecError):
                    continue
                if account is not None:
                    counts.add_person(account_figures(key, account, book, self._run.as_of))
        counts.merge(weights.counts)
        return counts

    async def _ledger(self, partition: int) -> Counts:
        movements = Movements()
        async for entry in self._events(self._run.ledger, partition):
            movements.add(entry)
        return movements.counts

    async def _offers(self, partition: int) -> Counts:
        history = OfferHistory()
        async for event in self._events(self._run.offers, partition):
            history.add(event)
        return history.counts

    async def _events(self, topic: str, partition: int) -> AsyncIterator[Told]:
        """The events up to ``as_of``. Read twice: erased records stand before what erases them."""
        erased = {
            record.key
            async for batch in self._log.batches(topic, partition)
            for record in batch
            if record.value is None and record.key is not None
        }
        reading = Reading(erased)
        async for batch in self._log.batches(topic, partition):
            for record in batch:
                event = reading.event(record)
                if event is not None and event.as_of <= self._run.as_of:
                    yield event


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; only its owner can read it."""
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    part.replace(path)
