# SPDX-License-Identifier: Apache-2.0
"""Replay dead letters: send them, byte for byte, to where they could not be handled.

After each batch a *receipt* is appended to the dead letters' own partition. Receipts outlive
their dead letters, and need no other store. A crash between a batch and its receipt, or two
operators at once, repeat a batch; the engine recognises what repeats by its business key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

from aiokafka.errors import MessageSizeTooLargeError

from schemas.dead_letter import PREFIX
from stream.addressing.topics import TopicNames
from stream.kafka.dead_letter_reader import (
    RECEIPT,
    RECEIPT_OF_REPLAY,
    DeadLetter,
    DeadLetterQueue,
    Place,
    Replayed,
    Selection,
)
from stream.kafka.record_batches import Publish
from stream.tables.base import Record

#: Header of a replayed record: the place of its dead letter.
REPLAY_OF: Final = "shadowpoints.replay-of"

BATCH_LETTERS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 8_388_608


@dataclass(slots=True)
class Counts:
    """Counts of the selected dead letters."""

    replayed: int = 0
    already: int = 0  # replayed before
    foreign: int = 0  # not of this destination
    erased: int = 0  # about people who were erased meanwhile; soon they are gone
    shortened: int = 0  # their bytes are not in the dead letter
    refused: int = 0  # the destination does not take them
    reasons: dict[str, int] = field(default_factory=dict)  # of the replayed ones


class Destination(Protocol):
    """Where dead letters go."""

    async def open(self, queue: DeadLetterQueue) -> None:
        """Called before anything else."""

    def is_for(self, letter: DeadLetter) -> bool:
        """Whether a letter goes there."""

    async def send(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Send them; returns those that arrived."""


class Replay:
    """One pass over the selected dead letters; with ``publish=None`` it only counts.

    ``publish`` is for the receipts.
    """

    def __init__(
        self,
        queue: DeadLetterQueue,
        replayed: Replayed,
        destination: Destination,
        publish: Publish | None,
    ) -> None:
        self.counts = Counts()
        self._queue, self._replayed, self._publish = queue, replayed, publish
        self._destination = destination
        self._may_receipt = False

    async def run(
        self,
        selection: Selection,
        limit: int | None = None,
        on_read: Callable[[int], None] = lambda offsets: None,
    ) -> Counts:
        """Replay at most ``limit`` dead letters that were not replayed before, in order."""
        await self._destination.open(self._queue)
        batch: list[DeadLetter] = []
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

    def _is_wanted(self, letter: DeadLetter) -> bool:
        if not self._destination.is_for(letter):
            self.counts.foreign += 1
        elif letter.place in self._replayed:
            self.counts.already += 1
        elif self._replayed.is_erased(letter):
            self.counts.erased += 1
        elif letter.shortened:
            self.counts.shortened += 1
        else:
            return True
        return False

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        sent = letters
        if letters and self._publish is not None:
            sent = await self._sent(letters, self._publish)
        self.counts.replayed += len(sent)
        self.counts.refused += len(letters) - len(sent)
        for letter in sent:
            self.counts.reasons[letter.reason] = self.counts.reasons.get(letter.reason, 0) + 1

    async def _sent(self, letters: Sequence[DeadLetter], publish: Publish) -> Sequence[DeadLetter]:
        if not self._may_receipt:
            # An empty receipt: without the right to write receipts, each replay would repeat.
            place = letters[0].place
            await publish([_receipt(place.topic, place.partition, b"")])
            self._may_receipt = True
        sent = await self._destination.send(letters)
        await publish(receipts(letter.place for letter in sent))
        return sent


class SourceTopics:
    """The topics that records came from."""

    def __init__(self, names: TopicNames, publish: Publish) -> None:
        self._sources, self._publish = names.sources, publish
        self._partitions: Mapping[str, int] = {}  # by source topic, as they are now

    async def open(self, queue: DeadLetterQueue) -> None:
        self._partitions = await queue.partitions_now(self._sources)

    def is_for(self, letter: DeadLetter) -> bool:
        return letter.original is not None and bool(self._partitions.get(letter.original.topic))

    async def send(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Not sent is what the broker refuses: full to the last byte before the header."""
        try:
            await self._publish([self._again(letter) for letter in letters])
        except MessageSizeTooLargeError:
            return await self._one_by_one(letters)
        return letters

    async def _one_by_one(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        sent = []
        for letter in letters:
            with suppress(MessageSizeTooLargeError):
                await self._publish([self._again(letter)])
                sent.append(letter)
        return sent

    def _again(self, letter: DeadLetter) -> Record:
        assert letter.original is not None
        return again(letter, self._partitions[letter.original.topic])


def again(letter: DeadLetter, partitions: int) -> Record:
    """The original record, with one header that names its dead letter.

    It goes to its old partition, or if the topic has fewer now, to its key's.
    """
    assert letter.original is not None
    partition = letter.original.partition
    kept = [(n, v) for n, v in letter.headers if not n.startswith(PREFIX) and n != REPLAY_OF]
    headers = (*kept, (REPLAY_OF, str(letter.place).encode()))
    to = partition if partition < partitions else None
    return Record(letter.original.topic, letter.key, letter.value, headers, to)


def receipts(places: Iterable[Place]) -> list[Record]:
    """One record per partition with the offsets as ranges, such as ``3-5,9``."""
    offsets: dict[tuple[str, int], list[int]] = {}
    for place in places:
        offsets.setdefault((place.topic, place.partition), []).append(place.offset)
    return [
        _receipt(topic, partition, _ranges(mine)) for (topic, partition), mine in offsets.items()
    ]


def _receipt(topic: str, partition: int, value: bytes) -> Record:
    key = f"receipt-{uuid4().hex}".encode()  # compacted topics refuse records without a key
    return Record(topic, key, value, ((RECEIPT, RECEIPT_OF_REPLAY),), partition)


def _ranges(offsets: Iterable[int]) -> bytes:
    spans: list[list[int]] = []
    for offset in sorted(offsets):
        if spans and spans[-1][1] == offset - 1:
            spans[-1][1] = offset
        else:
            spans.append([offset, offset])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in spans).encode()
