"""The table interface: state of one Kafka partition, changed in one atomic commit.

Every entity (profile, unbound origin, payment) is an opaque value under a key and belongs to
exactly one partition of the resolved topic. Only the owner of that partition writes it; the
owner proves itself by an *epoch* which :meth:`Tables.claim` raises (promises P6 and P8).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

#: The applied offset of a partition nothing was applied to.
NOTHING_APPLIED = -1


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One output record, stored with the state until Kafka has acknowledged it (P7).

    ``partition`` is ``None`` where the key decides. A message of the resolved topic has no key
    until it is published. ``value`` is ``None`` in what erases the record with that key.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker learns when it becomes the owner of a partition."""

    epoch: int
    applied_offset: int  # offset of the last applied record, or NOTHING_APPLIED
    clock_ms: int  # the partition's clock: highest record timestamp applied, 0 at first
    pending_from: int  # sequence number of the first pending output
    pending: tuple[Record, ...]  # output committed and perhaps not yet published, in order


@dataclass(frozen=True, slots=True)
class Write:
    """The new value of an entity; ``value=None`` deletes it."""

    value: bytes | None
    due_ms: int | None = None  # when it wants a tick; None: never
    ttl_s: int | None = None  # seconds until Redis may forget it; None: never


@dataclass(frozen=True, slots=True)
class Commit:
    """One partition's step: everything in it becomes true together, or nothing does."""

    partition: int
    epoch: int
    expected_offset: int  # the applied offset before this step
    applied_offset: int  # and after it
    clock_ms: int
    writes: Mapping[str, Write] = field(default_factory=dict)
    outputs: Sequence[Record] = ()
    published_before: int = 0  # pending outputs with a lower sequence number may be dropped
    counts: Mapping[str, int] = field(default_factory=dict)  # increments of durable counters


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit is durable (also when a retry finds that it had already landed)."""

    pending_from: int  # sequence number of the first output of this commit


@dataclass(frozen=True, slots=True)
class Fenced:
    """The commit was refused: another owner has claimed the partition since."""

    reason: str


@dataclass(frozen=True, slots=True)
class View:
    """Some entities of one partition, as a reader sees them who need not own it."""

    clock_ms: int  # the partition's clock, not earlier than that of any value
    values: Mapping[str, bytes]
    due_ms: Mapping[str, int]  # of those which want a tick


class Tables(Protocol):
    """State of all partitions. Implementations: ``MemoryTables`` and ``RedisTables``."""

    async def open(self) -> None:
        """Connect; raises ``TablesUnavailable`` with a sentence when that cannot be done."""

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        """Whether the store answers now."""

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        """Become the owner of partitions.

        A partition claimed by a *newer* consumer-group generation within the last minute is left
        out of the answer; after that, the group may have begun to count anew.
        """

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        """Values of entities by key, absent ones left out; one round trip for all partitions.

        Readers who do not own the partition get a value that may be stale.
        """

    async def due(self, partition: int, now_ms: int, limit: int) -> list[str]:
        """Keys of entities due at or before ``now_ms``, by (due, key), at most ``limit``."""

    async def next_due(self, partitions: Sequence[int]) -> dict[int, int]:
        """The earliest due time of each partition which has one."""

    async def positions(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """``(epoch, applied offset)`` as stored, of the partitions which were ever claimed."""

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

        What is written meanwhile may be missing, and an entity may come twice.
        """

    async def view(self, partition: int, keys: Sequence[str]) -> View:
        """These entities with their due times, absent ones left out."""


class TablesUnavailable(Exception):
    """The store cannot be used as it is; the message says why and what to do."""
