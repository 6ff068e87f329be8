"""Dead letters as an operator reads them: from the beginning to the end there was at the start.

The topic also holds *receipts* of replays (``stream.runtime.replay``): which letters of the same
partition went back to their topics. They are as durable as the letters, and kept as long.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas import dead_letter as names_of
from stream.runtime.admin import TopicsUnfit
from stream.runtime.refusals import why_unusable
from stream.runtime.security import kafka_options
from stream.settings import Settings

#: Header of a receipt; its value says of what. Real letters have Connect's headers besides.
RECEIPT: Final = "shadowpoints.receipt"
RECEIPT_OF_REPLAY: Final = b"replayed"

_READ_RECORDS_MAX: Final = 500
_SILENCE_S: Final = 30.0  # a broker which sends nothing for so long will not
_PLACE = re.compile(r"(?:(?P<topic>[A-Za-z0-9._-]+)-)?(?P<partition>\d{1,9})@(?P<offset>\d{1,18})")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands."""

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
class Letter:
    """A dead letter. ``original`` is ``None`` for a record which no worker wrote."""

    place: Place
    original: Place | None
    reason: str
    stage: str
    message: str
    time_ms: int  # when it became a dead letter
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant; what is empty or ``None`` does not matter."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()  # original ones, as the broker calls them
    since_ms: int | None = None
    until_ms: int | None = None  # exclusive
    partition: int | None = None  # of the dead letter
    offset: int | None = None  # of the dead letter

    def has(self, letter: Letter) -> bool:
        original = letter.original.topic if letter.original else ""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or original in self.topics)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


@dataclass(slots=True)
class Replayed:
    """Which letters have receipts: a bit for each offset of a partition."""

    _bits: dict[int, bytearray] = field(default_factory=dict)

    def add(self, partition: int, first: int, last: int) -> None:
        bits = self._bits.setdefault(partition, bytearray())
        if len(bits) <= last >> 3:
            bits.extend(bytes((last >> 3) + 1 - len(bits)))
        for offset in range(first, last + 1):
            bits[offset >> 3] |= 1 << (offset & 7)

    def __contains__(self, place: Place) -> bool:
        bits, at = self._bits.get(place.partition, b""), place.offset >> 3
        return at < len(bits) and bool(bits[at] >> (place.offset & 7) & 1)


class DeadLetterQueue:
    """The dead letters there are when it is opened; needs no consumer group and leaves no trace.

    Holds one fetch per partition at most. Raises :class:`TopicsUnfit`.
    """

    def __init__(self, settings: Settings) -> None:
        self.topic = settings.topics.dead_letters
        self._settings = settings
        self._places = [TopicPartition(self.topic, p) for p in range(settings.partitions)]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,  # the next partition's fetch waits for the last one's
            **kafka_options(settings),
        )
        self._begins: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            if self.topic not in await self._consumer.topics():
                raise TopicsUnfit(
                    [f"Topic {self.topic} does not exist; run: shadowpoints topics create"]
                )
            # Assigned once for all: aiokafka's stop() may hang while it takes in another
            # assignment. Paused before anything is fetched.
            self._consumer.assign(self._places)
            self._consumer.pause(*self._places)
            self._begins = await self._consumer.beginning_offsets(self._places)
            self._ends = await self._consumer.end_offsets(self._places)
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise TopicsUnfit([await why_unusable(self._settings, error)]) from None
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    @property
    def total(self) -> int:
        """Offsets to read, receipts included."""
        return sum(self._ends[at] - self._begins[at] for at in self._places)

    async def replayed(self) -> Replayed:
        """The receipts. They come after their letters, so they have to be read first."""
        found = Replayed()
        async for record in self._records(Selection()):
            if not _is_receipt(record):
                continue
            for first, last in ranges(record.value or b""):
                # Beyond the end there is nothing that could have been replayed.
                found.add(record.partition, first, min(last, record.offset))
        return found

    async def letters(
        self, selection: Selection, on_read: Callable[[int], None] = lambda offsets: None
    ) -> AsyncIterator[Letter]:
        """Selected letters by partition and offset; ``on_read`` hears of offsets passed."""
        async for record in self._records(selection, on_read):
            if not _is_receipt(record) and selection.has(letter := _letter(record)):
                yield letter

    async def _records(
        self, selection: Selection, on_read: Callable[[int], None] = lambda offsets: None
    ) -> AsyncIterator[Any]:
        for place in self._places:
            first, end = self._begins[place], self._ends[place]
            start, stop = await self._bounds(place, selection)
            at = start
            on_read(at - first)
            if at < stop:
                self._consumer.pause(*self._places)
                self._consumer.seek(place, at)
                self._consumer.resume(place)
            while at < stop:
                for record in await self._some(place):
                    if record.offset < stop:
                        yield record
                position = min(await self._consumer.position(place), stop)
                on_read(position - at)
                at = position
            on_read(end - at)

    async def _bounds(self, place: TopicPartition, selection: Selection) -> tuple[int, int]:
        """Offsets from the first to the one after the last which may be selected."""
        first, end = self._begins[place], self._ends[place]
        if selection.partition is not None and selection.partition != place.partition:
            return end, end
        if selection.offset is not None:
            first, end = max(first, selection.offset), min(end, selection.offset + 1)
            return min(first, end), end
        if selection.since_ms is not None and first < end:
            # Exact: every offset before the one which is answered has an earlier time.
            wanted = {place: max(0, selection.since_ms)}
            found = (await self._consumer.offsets_for_times(wanted))[place]
            first = end if found is None else min(max(first, found.offset), end)
        return first, end

    async def _some(self, place: TopicPartition) -> Sequence[Any]:
        """At least one record, unless the position moved on over what is no record."""
        before = await self._consumer.position(place)
        try:
            async with asyncio.timeout(_SILENCE_S):
                while True:
                    found = await self._consumer.getmany(
                        place, timeout_ms=1000, max_records=_READ_RECORDS_MAX
                    )
                    if records := found.get(place):
                        return list(records)
                    if await self._consumer.position(place) > before:
                        return []
        except (KafkaError, TimeoutError) as error:
            raise TopicsUnfit([await why_unusable(self._settings, error)]) from None


def ranges(text: bytes) -> list[tuple[int, int]]:
    """``b"3-5,9"`` as first and last offsets; what is no range is left out."""
    found = re.findall(rb"(\d{1,18})(?:-(\d{1,18}))?(?:,|$)", text)
    return [(int(first), int(last or first)) for first, last in found]


def _is_receipt(record: Any) -> bool:
    """A producer may send any header, but its dead letter has Connect's, too."""
    names = {name for name, _ in record.headers}
    return RECEIPT in names and names_of.REASON not in names


def _letter(record: Any) -> Letter:
    headers = tuple((name, value or b"") for name, value in record.headers)
    texts = {n: v.decode("utf-8", "replace") for n, v in headers if n.startswith(names_of.PREFIX)}
    original = None
    with suppress(KeyError, ValueError):
        original = Place(
            texts[names_of.TOPIC], int(texts[names_of.PARTITION]), int(texts[names_of.OFFSET])
        )
    return Letter(
        place=Place(record.topic, record.partition, record.offset),
        original=original,
        reason=texts.get(names_of.REASON, "?"),
        stage=texts.get(names_of.STAGE, "?"),
        message=texts.get(names_of.MESSAGE, ""),
        time_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
    )
