# SPDX-License-Identifier: Apache-2.0
"""Track which delivered batches are done, to know the offset that may be committed.

Faust tracks single offsets; here a batch is done as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from faust.types import TP

from stream.kafka.record_batches import Batch, InputRecord
from stream.kafka.record_marks import RecordMark
from stream.kafka.unreadable_records import last_record


@dataclass(slots=True)
class _Flight:
    batch: Batch
    done: bool = False


class InFlight:
    """The delivered batches of each partition, oldest first; iterates over the partitions."""

    def __init__(self) -> None:
        self._batches: dict[TP, dict[int, _Flight]] = {}  # by identity: a log may be read again
        self._last: dict[
            TP, RecordMark | tuple[InputRecord, str]
        ] = {}  # of done batches; with the topic's id

    def __iter__(self) -> Iterator[TP]:
        return iter(self._batches)

    def deliver(self, batch: Batch) -> None:
        """Add a batch that goes to its agent."""
        self._batches.setdefault(TP(batch.topic, batch.partition), {})[id(batch)] = _Flight(batch)

    def done(self, batch: Batch) -> None:
        """Mark a batch as handled; does nothing if it was forgotten meanwhile."""
        if flight := self._batches.get(TP(batch.topic, batch.partition), {}).get(id(batch)):
            flight.done = True

    def take(self, tp: TP) -> int | None:
        """Forget the leading batches that are done; the offset after them, to be committed.

        ``None``: nothing new.
        """
        batches, end = self._batches.get(tp, {}), None
        while batches and (flight := batches[first := next(iter(batches))]).done:
            del batches[first]
            end = flight.batch.last_offset + 1
            if (last := last_record(flight.batch.records)) is not None:
                self._last[tp] = last, flight.batch.log
        return end

    def mark(self, tp: TP) -> RecordMark | None:
        """The mark of the last record before the offset last taken."""
        last = self._last.get(tp)
        return RecordMark.of(*last) if isinstance(last, tuple) else last

    def resume(self, marks: Mapping[TP, RecordMark]) -> None:
        """Reading resumes after these."""
        self._last.update(marks)

    def forget(self, tps: Iterable[TP] | None = None) -> None:
        """Drop these partitions (without any: all), which will be fetched again."""
        for tp in list(self._batches) if tps is None else tps:
            self._batches.pop(tp, None)
            self._last.pop(tp, None)
