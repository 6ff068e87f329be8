# SPDX-License-Identifier: Apache-2.0
"""The interface of the tables: each commit changes the state of one Kafka partition atomically.

Every entity (profile, unbound origin, payment) is an opaque value under a key and belongs to
exactly one partition of the resolved topic. Only the owner of that partition writes it; the
owner proves itself by an *epoch* that :meth:`Tables.claim` raises (promises P6 and P8).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

#: The applied offset of a partition to which nothing was applied.
NOTHING_APPLIED = -1

#: How long the word is kept that a halted partition may go on.
RESUME_KEPT_S = 7 * 86_400


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One output record, stored with the state until Kafka has acknowledged it (P7).

    ``partition`` is ``None`` where the key decides. A message of the resolved topic has no key
    until it is published. ``value`` is ``None`` in a tombstone of the record with that key.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


#: Replaces an output that an operator has dropped; it is not published.
DROPPED = Record("", None, None)


@dataclass(frozen=True, slots=True)
class Claim:
    """The stored state of a partition, given to its new owner."""

    epoch: int
    applied_offset: int  # offset of the last applied record, or NOTHING_APPLIED
    clock_ms: int  # the partition's clock: highest record timestamp applied, 0 at first
    pending_from: int  # sequence number of the first pending output
    pending: tuple[Record, ...]  # output committed and perhaps not yet published, in order
    mark: str = ""  # mark of the last applied record, or empty
    notes: Mapping[str, bytes] = field(default_factory=dict)  # of the partition


@dataclass(frozen=True, slots=True)
class Write:
    """The new value of an entity; ``value=None`` deletes it.

    ``value`` names all its pages (``stream.tables.pieces``), ``pages`` has the changed ones.
    """

    value: bytes | None
    due_ms: int | None = None  # when it wants a tick; None: never
    ttl_s: int | None = None  # seconds until Redis may forget it; None: never
    pages: Mapping[int, bytes | None] = field(default_factory=dict)  # None deletes the page


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of a partition, stored as a whole or not at all."""

    partition: int
    epoch: int
    expected_offset: int  # the applied offset before this step
    applied_offset: int  # and after it
    clock_ms: int
    writes: Mapping[str, Write] = field(default_factory=dict)
    outputs: Sequence[Record] = ()
    published_before: int = 0  # pending outputs with a lower sequence number may be dropped
    counts: Mapping[str, int] = field(default_factory=dict)  # increments of durable counters
    mark: str = ""  # mark of the last applied record
    notes: Mapping[str, bytes] = field(default_factory=dict)  # of the partition; others stay
    wakes: Mapping[str, int] = field(default_factory=dict)  # new due times (ms) of others


@dataclass(frozen=True, slots=True)
class Pending:
    """An output that is committed and perhaps not yet published, for an operator."""

    partition: int
    sequence: int
    record: Record | None  # None: it cannot be decoded
    bytes_stored: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit is durable; a retry may have found that it already was."""

    pending_from: int  # sequence number of the first output of this commit


@dataclass(frozen=True, slots=True)
class Fenced:
    """The commit was refused: another owner has claimed the partition since."""

    reason: str


@dataclass(frozen=True, slots=True)
class View:
    """Some entities of one partition, for a reader that need not own it."""

    clock_ms: int  # the partition's clock, not earlier than that of any value
    values: Mapping[str, bytes]
    due_ms: Mapping[str, int]  # of those that want a tick


class Tables(Protocol):
    """State of all partitions. Implementations: ``MemoryTables`` and ``RedisTables``."""

    async def open(self) -> None:
        """Connect; raises ``TablesUnavailable`` with a sentence if that fails."""

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        """Whether the store answers now."""

    async def trouble(self) -> str:
        """Why no commit could be made now, in a sentence; "" if one could. Does not wait."""

    async def check(self) -> None:
        """Check that the store is still fit to keep state.

        Raises ``TablesUnavailable`` as ``open`` does, but not for a store that does not answer.
        """

    async def resume(self, topic: str, partition: int, before: int) -> None:
        """Let a halted partition of a source topic go on with its records below an offset.

        Kept for ``RESUME_KEPT_S``.
        """

    async def resumed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The offsets below which these (topic, partition) may go on, of those that may."""

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        """Become the owner of partitions.

        A partition claimed by a *newer* consumer-group generation within the last minute is left
        out of the answer; after that, the group may have begun to count again. Raises
        :class:`TablesUnavailable` where pending output cannot be read.
        """

    async def pending(self, partition: int) -> list[Pending]:
        """The pending output of a partition, oldest first, undecodable ones too."""

    async def drop_pending(self, partition: int, sequence: int) -> bool:
        """Drop a pending output; returns whether it still was pending."""

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        """Values of entities by key, absent ones left out, each with its pages.

        One round trip for all partitions, and another where there are pages. Readers that do not
        own the partition may get a stale value.
        """

    async def heads(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        """The same without pages: as the values are stored."""

    async def due(self, partition: int, now_ms: int, limit: int) -> list[str]:
        """Keys of entities due at or before ``now_ms``, by (due, key), at most ``limit``."""

    async def due_after(self, partition: int, after_ms: int, limit: int) -> list[str]:
        """Keys of entities due after ``after_ms``, by (due, key), at most ``limit``."""

    async def next_due(self, partitions: Sequence[int]) -> dict[int, int]:
        """The earliest due time of each partition that has one."""

    async def positions(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """``(epoch, applied offset)`` as stored, of the partitions that were ever claimed."""

    async def notes(self, partitions: Sequence[int], name: str) -> dict[int, bytes]:
        """The notes with a name, of the partitions that have one."""

    async def commit(self, commits: Sequence[Commit]) -> list[Committed | Fenced]:
        """Commit several partitions in one round trip, each atomically; answers in order.

        Retries until the store answers: a commit whose reply was lost is recognised by its
        applied offset.
        """

    async def counts(self, partitions: Sequence[int]) -> dict[str, int]:
        """The durable counters, summed over partitions."""

    async def entities(self, partition: int) -> dict[str, bytes]:
        """All entities of a partition: for tests and export; may be large."""

    def scan_entities(self, partition: int) -> AsyncIterator[View]:
        """The same page by page, of bounded size.

        Entities written meanwhile may be missing, and an entity may come twice.
        """

    async def view(self, partition: int, keys: Sequence[str]) -> View:
        """These entities with their due times, absent ones left out."""


class TablesUnavailable(Exception):
    """The store cannot be used; the message says why and what to do."""
