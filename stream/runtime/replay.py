"""Replays: dead letters go back to the topics they came from, byte for byte.

After each batch a *receipt* is appended to the dead letters' own partition. Receipts outlive the
letters they speak of, and need no other store. A crash between a batch and its receipt, or two
operators at once, repeat a batch; the engine recognises what repeats by its business key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from aiokafka.errors import MessageSizeTooLargeError

from schemas.dead_letter import PREFIX
from stream.runtime.dead_letter_queue import (
    RECEIPT,
    RECEIPT_OF_REPLAY,
    DeadLetterQueue,
    Letter,
    Place,
    Replayed,
    Selection,
)
from stream.runtime.runs import Publish
from stream.runtime.topics import TopicNames
from stream.tables.base import Record

#: Header of a replayed record: the place of its dead letter.
REPLAY_OF: Final = "shadowpoints.replay-of"

BATCH_LETTERS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 8_388_608


@dataclass(slots=True)
class Counts:
    """What became of the selected letters."""

    replayed: int = 0
    already: int = 0  # replayed before
    foreign: int = 0  # of no source topic of this deployment, so they cannot go back
    too_large: int = 0  # the broker refuses them: full to the last byte before the header
    reasons: dict[str, int] = field(default_factory=dict)  # of the replayed ones


class Replay:
    """One run over the selected letters; with ``publish=None`` it only counts."""

    def __init__(
        self,
        queue: DeadLetterQueue,
        replayed: Replayed,
        names: TopicNames,
        partitions: int,
        publish: Publish | None,
    ) -> None:
        self.counts = Counts()
        self._queue, self._replayed, self._publish = queue, replayed, publish
        self._sources, self._partitions = frozenset(names.sources), partitions
        self._may_receipt = False

    async def run(
        self,
        selection: Selection,
        limit: int | None = None,
        on_read: Callable[[int], None] = lambda offsets: None,
    ) -> Counts:
        """Replay at most ``limit`` letters which were not replayed before, in their order."""
        batch: list[Letter] = []
        left, size = limit, 0
        async for letter in self._queue.letters(selection, on_read):
            if left == 0:
                break
            if not self._is_wanted(letter):
                continue
            batch.append(letter)
            size += letter.size
            left = None if left is None else left - 1
            if len(batch) >= BATCH_LETTERS_MAX or size >= BATCH_BYTES_MAX:
                await self._send(batch)
                batch, size = [], 0
        await self._send(batch)
        return self.counts

    def _is_wanted(self, letter: Letter) -> bool:
        original = letter.original
        if (
            original is None
            or original.topic not in self._sources
            or original.partition >= self._partitions
        ):
            self.counts.foreign += 1
        elif letter.place in self._replayed:
            self.counts.already += 1
        else:
            return True
        return False

    async def _send(self, letters: Sequence[Letter]) -> None:
        sent = letters if self._publish is None else await self._published(letters)
        self.counts.replayed += len(sent)
        for letter in sent:
            self.counts.reasons[letter.reason] = self.counts.reasons.get(letter.reason, 0) + 1

    async def _published(self, letters: Sequence[Letter]) -> Sequence[Letter]:
        assert self._publish is not None
        if letters and not self._may_receipt:
            # An empty receipt: who may not write receipts must not replay, again and again.
            place = letters[0].place
            await self._publish([_receipt(place.topic, place.partition, b"")])
            self._may_receipt = True
        records = [again(letter) for letter in letters]
        sent: Sequence[Letter] = letters
        try:
            await self._publish(records)
        except MessageSizeTooLargeError:
            sent = await self._one_by_one(letters, self._publish)
        await self._publish(receipts(letter.place for letter in sent))
        return sent

    async def _one_by_one(self, letters: Sequence[Letter], publish: Publish) -> list[Letter]:
        sent = []
        for letter in letters:
            try:
                await publish([again(letter)])
                sent.append(letter)
            except MessageSizeTooLargeError:
                self.counts.too_large += 1
        return sent


def again(letter: Letter) -> Record:
    """The original record, for the partition it came from; the one new header says so."""
    assert letter.original is not None
    kept = [(n, v) for n, v in letter.headers if not n.startswith(PREFIX) and n != REPLAY_OF]
    headers = (*kept, (REPLAY_OF, str(letter.place).encode()))
    return Record(
        letter.original.topic, letter.key, letter.value, headers, letter.original.partition
    )


def receipts(places: Iterable[Place]) -> list[Record]:
    """One record per partition with the offsets as ranges, such as ``3-5,9``."""
    offsets: dict[tuple[str, int], list[int]] = {}
    for place in places:
        offsets.setdefault((place.topic, place.partition), []).append(place.offset)
    return [
        _receipt(topic, partition, _ranges(mine)) for (topic, partition), mine in offsets.items()
    ]


def _receipt(topic: str, partition: int, value: bytes) -> Record:
    key = f"receipt-{uuid4().hex}".encode()  # compacted topics refuse records without key
    return Record(topic, key, value, ((RECEIPT, RECEIPT_OF_REPLAY),), partition)


def _ranges(offsets: Iterable[int]) -> bytes:
    spans: list[list[int]] = []
    for offset in sorted(offsets):
        if spans and spans[-1][1] == offset - 1:
            spans[-1][1] = offset
        else:
            spans.append([offset, offset])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in spans).encode()
