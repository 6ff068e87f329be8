# SPDX-License-Identifier: Apache-2.0
"""Halt a source partition when too many of its latest records would become dead letters.

A producer's broken release, or an apps file without an app, must not quietly divert a day of
events. Each partition is counted and halted by itself, until an operator resumes it.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Final

from schemas import Reason
from stream.kafka.record_batches import Batch

_log = logging.getLogger(__name__)

WINDOW_RECORDS: Final = 1000
SEEN_MIN: Final = 200  # records; a share of fewer means little


#: Sound records that come at the wrong time do not count: the backlog of a till that was offline
#: for weeks must not halt a partition.
NO_POISON: Final = frozenset({Reason.TOO_LATE, Reason.IN_FUTURE, Reason.TIMES_DIFFER})

Place = tuple[str, int]  # topic, partition


class DeadLetterFlood(Exception):
    """Too many of the latest records would become dead letters."""


class FloodLimit:
    """The share of dead letters among the latest records; 1.0 is no limit.

    It counts record by record, so that grouping them differently changes nothing.
    """

    def __init__(
        self,
        share_max: float = 1.0,
        *,
        window: int = WINDOW_RECORDS,
        seen_min: int = SEEN_MIN,
    ) -> None:
        self._share_max, self._seen_min = share_max, seen_min
        self._latest: deque[bool] = deque(maxlen=window)
        self._dead = 0

    def check(self, outcomes: Iterable[bool]) -> None:
        """Count whether each next record is dead; raises :class:`DeadLetterFlood`."""
        for is_dead in outcomes:
            if len(self._latest) == self._latest.maxlen:
                self._dead -= self._latest[0]
            self._latest.append(is_dead)
            self._dead += is_dead
            seen = len(self._latest)
            if seen >= self._seen_min and self._dead > self._share_max * seen:
                raise DeadLetterFlood(
                    f"{self._dead} of the latest {seen} source records would become dead letters, "
                    f"more than the allowed share of {self._share_max:g}: none of this "
                    "group is acknowledged, and the partition is not read on. Repair the producer, "
                    "or the apps file and restart the workers; to accept the dead letters, "
                    "run: shadowpoints sources resume"
                )


class Floods:
    """A flood limit for each partition, and the partitions that are halted."""

    def __init__(
        self, share_max: float = 1.0, *, window: int = WINDOW_RECORDS, seen_min: int = SEEN_MIN
    ) -> None:
        self._limits: dict[Place, FloodLimit] = defaultdict(
            lambda: FloodLimit(share_max, window=window, seen_min=seen_min)
        )
        self._halted: dict[Place, list[Batch]] = {}  # with the withheld batches
        self._going_on: dict[Place, list[Batch]] = {}  # withheld ones being handled
        self._let_pass: dict[Place, int] = {}

    @property
    def halted(self) -> Collection[Place]:
        """Partitions whose records are withheld: neither published nor acknowledged."""
        return self._halted.keys()

    def passes(self, place: Place, outcomes: Iterable[tuple[int, bool]]) -> bool:
        """Count, by offset, whether each next record of a partition is poison.

        Returns whether the partition may go on. Records that an operator lets pass do not count.
        """
        if place in self._halted:
            return False
        counted_from = self._let_pass.get(place, 0)
        try:
            self._limits[place].check(is_dead for at, is_dead in outcomes if at >= counted_from)
        except DeadLetterFlood as flood:
            self._halted[place] = []
            _log.critical("%s-%d is halted: %s %s %d", *place, flood, *place)
            return False
        return True

    def withhold(self, batch: Batch) -> None:
        """Keep a fetched batch of a halted partition; drop those from before a rebalance.

        These are only the batches in flight at the halt, since nothing more is fetched.
        """
        place = batch.topic, batch.partition
        kept = [one for one in self._halted[place] if one.generation == batch.generation]
        self._halted[place] = [*kept, batch]

    def withholds(self, batch: Batch) -> bool:
        """Whether a handled batch is withheld, and so not done."""
        place = batch.topic, batch.partition
        withheld = chain(self._halted.get(place, ()), self._going_on.get(place, ()))
        return any(one is batch for one in withheld)

    def resume(self, place: Place, before: int) -> list[Batch] | None:
        """Resume a halted partition, whatever its records below an offset are.

        Returns the withheld batches, to be handled now and then settled; ``None`` if later records
        halted it.
        """
        withheld = self._halted[place]
        first = withheld[0].first_offset if withheld else 0
        if before <= max(first, self._let_pass.get(place, 0)):
            return None
        del self._halted[place]
        self._limits.pop(place, None)
        self._let_pass[place] = before
        self._going_on[place] = withheld
        return withheld

    def settle(self, place: Place) -> bool:
        """End a resumption whose batches were handled; returns whether to fetch more."""
        self._going_on.pop(place, None)
        return place not in self._halted

    def forget(self, places: Iterable[Place]) -> None:
        """Drop partitions that another worker has now; if they return, counting starts again."""
        for place in places:
            self._limits.pop(place, None)
            self._halted.pop(place, None)
            self._going_on.pop(place, None)
            self._let_pass.pop(place, None)
