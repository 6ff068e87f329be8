# SPDX-License-Identifier: Apache-2.0
"""What the broker has acknowledged: one line per record, written after the acknowledgement.

As in Jepsen's histories: what is in the journal must be found at the end. An attempt which failed
is not in it, and may have reached the log or not; it is tried again until it is acknowledged, so
that an event may well be in the log more than once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self


class Journal:
    """Lines of ``number partition offset topic``: which record of the spool is where in the log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="ascii")
        self.attempts = 0  # records handed to the producer, those included which failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def acknowledged(self, number: int, topic: str, partition: int, offset: int) -> None:
        """Call this when the broker has said so, and not before."""
        self._file.write(f"{number} {partition} {offset} {topic}\n")

    def read(self) -> Iterator[tuple[int, tuple[str, int], int]]:
        """``(number, (topic, partition), offset)`` of every line."""
        self._file.flush()
        with self.path.open(encoding="ascii") as lines:
            for line in lines:
                number, partition, offset, topic = line.split()
                yield int(number), (topic, int(partition)), int(offset)

    def by_place(self) -> dict[tuple[str, int], array[int]]:
        """Per partition of the log: by offset, the number of the record, -1 for none.

        Raises ``AssertionError`` where two acknowledgements name one place.
        """
        places: dict[tuple[str, int], array[int]] = {}
        for number, log, offset in self.read():
            numbers = places.setdefault(log, array("q"))
            if offset >= len(numbers):
                numbers.extend([-1] * (offset + 1 - len(numbers)))
            assert numbers[offset] == -1, f"two records were acknowledged at {log} {offset}"
            numbers[offset] = number
        return places
