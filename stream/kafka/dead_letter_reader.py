# SPDX-License-Identifier: Apache-2.0
"""Read the dead letters, from the beginning of the topic to the end that it had at the start.

The topic also holds *receipts* of replays (``stream.kafka.dead_letter_replay``): they list the dead
letters of the same partition that went back to their topics, and are kept as long as these. And it
holds tombstones, records without value, of dead letters that were erased.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from schemas import dead_letter as names_of
from stream.config.settings import Settings
from stream.kafka.record_batches import InputRecord
from stream.kafka.topic_reader import OnRead, TopicReader, TopicRecord, ignore_progress

#: Header of a receipt; its value says of what. Dead letters have Connect's headers as well.
RECEIPT: Final = "shadowpoints.receipt"
RECEIPT_OF_REPLAY: Final = b"replayed"

_PLACE = re.compile(r"(?:(?P<topic>[A-Za-z0-9._-]+)-)?(?P<partition>\d{1,9})@(?P<offset>\d{1,18})")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


def parse_place(text: str, topic: str) -> Place:
    """The inverse of ``str(place)``; the topic may be left out. Raises ``ValueError``."""
    found = _PLACE.fullmatch(text)
    if found is None or found["topic"] not in (None, topic):
        raise ValueError(f"a place looks like {topic}-0@42, or 0@42")
    return Place(topic, int(found["partition"]), int(found["offset"]))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter. ``original`` is ``None`` for a record that no worker wrote."""

    place: Place
    original: Place | None
    reason: str
    stage: str
    message: str
    time_ms: int  # when it became a dead letter
    key: bytes | None  # of the original, and so is the value
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]  # the original's, and Connect's
    shortened: str = ""  # size and digest of the value, if it is not here
    own_key: bytes | None = None  # the dead letter's

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters to read; empty fields and ``None`` select all."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()  # original ones, as the broker calls them
    since_ms: int | None = None
    until_ms: int | None = None  # exclusive
    partition: int | None = None  # of the dead letter
    offset: int | None = None  # of the dead letter

    def has(self, letter: DeadLetter) -> bool:
        original = letter.original.topic if letter.original else ""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or original in self.topics)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


@dataclass(slots=True)
class Replayed:
    """The dead letters that have receipts, and those that were erased.

    Of receipts it keeps a bit for each offset of a partition.
    """

    _bits: dict[int, bytearray] = field(default_factory=dict)
    _tombstones: dict[tuple[int, bytes | None], int] = field(default_factory=dict)

    def add(self, partition: int, first: int, last: int) -> None:
        bits = self._bits.setdefault(partition, bytearray())
        if len(bits) <= last >> 3:
            bits.extend(bytes((last >> 3) + 1 - len(bits)))
        for offset in range(first, last + 1):
            bits[offset >> 3] |= 1 << (offset & 7)

    def add_tombstone(self, partition: int, key: bytes | None, offset: int) -> None:
        self._tombstones[partition, key] = offset

    def is_erased(self, letter: DeadLetter) -> bool:
        """Whether a tombstone follows; Kafka removes the letter days later."""
        at = letter.place
        return self._tombstones.get((at.partition, letter.own_key), -1) > at.offset

    def __contains__(self, place: Place) -> bool:
        bits, at = self._bits.get(place.partition, b""), place.offset >> 3
        return at < len(bits) and bool(bits[at] >> (place.offset & 7) & 1)


class DeadLetterQueue:
    """The dead letters that exist when it is opened. Raises ``TopicsUnfit``."""

    def __init__(self, settings: Settings) -> None:
        self.topic = settings.topics.dead_letters
        self._partitions = settings.partitions
        self._reader = TopicReader(settings, [self.topic])

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._reader.__aexit__(*error)

    @property
    def total(self) -> int:
        """Offsets to read, receipts included."""
        return self._reader.total

    async def partitions_now(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions topics have now; 0 for one that does not exist."""
        return await self._reader.partitions_now(topics)

    async def replayed(self) -> Replayed:
        """Read receipts and tombstones. They stand after their dead letters, so they come first."""
        found = Replayed()
        async for record in self._records(Selection()):
            if record.value is None:
                found.add_tombstone(record.partition, record.key, record.offset)
            if not is_receipt(record):
                continue
            for first, last in ranges(record.value or b""):
                # Beyond the end there is nothing that could have been replayed.
                found.add(record.partition, first, min(last, record.offset))
        return found

    async def letters(
        self, selection: Selection, on_read: OnRead = ignore_progress
    ) -> AsyncIterator[DeadLetter]:
        """Selected dead letters by partition and offset; ``on_read`` gets the offsets passed."""
        async for record in self._records(selection, on_read):
            if record.value is None or is_receipt(record):
                continue
            if selection.has(letter := _letter(record)):
                yield letter

    async def _records(
        self, selection: Selection, on_read: OnRead = ignore_progress
    ) -> AsyncIterator[TopicRecord]:
        for partition in range(self._partitions):
            first, end = self._reader.bounds(self.topic, partition)
            start, stop = await self._bounds(partition, selection)
            on_read(start - first)
            async for batch in self._reader.batches(self.topic, partition, start, stop, on_read):
                for record in batch:
                    yield record
            on_read(end - max(start, stop))

    async def _bounds(self, partition: int, selection: Selection) -> tuple[int, int]:
        """The first offset that may be selected, and the one after the last."""
        first, end = self._reader.bounds(self.topic, partition)
        if selection.partition is not None and selection.partition != partition:
            return end, end
        if selection.offset is not None:
            first, end = max(first, selection.offset), min(end, selection.offset + 1)
            return min(first, end), end
        if selection.since_ms is not None and first < end:
            # Exact: every offset before the answer has an earlier time.
            since_ms = max(0, selection.since_ms)
            found = await self._reader.offset_at(self.topic, partition, since_ms)
            first = end if found is None else min(max(first, found), end)
        return first, end


def ranges(text: bytes) -> list[tuple[int, int]]:
    """``b"3-5,9"`` as first and last offsets; other text is left out."""
    found = re.findall(rb"(\d{1,18})(?:-(\d{1,18}))?(?:,|$)", text)
    return [(int(first), int(last or first)) for first, last in found]


def is_receipt(record: InputRecord) -> bool:
    """Whether a record is a receipt: a producer's own header comes with Connect's headers."""
    names = {name for name, _ in record.headers}
    return RECEIPT in names and names_of.REASON not in names


def _letter(record: TopicRecord) -> DeadLetter:
    headers = [(name, value or b"") for name, value in record.headers]
    key = next((value for name, value in headers if name == names_of.KEY), None)
    without = any(name == names_of.NO_VALUE for name, _ in headers)
    texts = {n: v.decode("utf-8", "replace") for n, v in headers if _is_ours(n)}
    original = None
    with suppress(KeyError, ValueError):
        original = Place(
            texts[names_of.TOPIC], int(texts[names_of.PARTITION]), int(texts[names_of.OFFSET])
        )
    return DeadLetter(
        place=Place(record.topic, record.partition, record.offset),
        original=original,
        reason=texts.get(names_of.REASON, "?"),
        stage=texts.get(names_of.STAGE, "?"),
        message=texts.get(names_of.MESSAGE, ""),
        time_ms=record.timestamp,
        key=key,
        value=None if without else record.value,
        headers=tuple(h for h in headers if h[0] not in names_of.ADDED),
        shortened=texts.get(names_of.SHORTENED, ""),
        own_key=record.key,
    )


def _is_ours(name: str) -> bool:
    return name.startswith(names_of.PREFIX) or name == names_of.SHORTENED
