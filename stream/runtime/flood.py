"""The flood limit: when most of what comes in would be a dead letter, stopping is better.

A producer's broken release, or an apps file without an app, must not quietly divert a day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

WINDOW_RECORDS: Final = 1000
SEEN_MIN: Final = 200  # records; a share of fewer means little


class DeadLetterFlood(Exception):
    """Too many of the latest records would be dead letters: the worker ends, nothing is lost."""


class FloodLimit:
    """The share of dead letters among the latest records; 1.0 is no limit.

    Looks at every record in its order, so that it does not matter how records are grouped.
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
        """Take in whether each next record is dead; raises :class:`DeadLetterFlood`."""
        for is_dead in outcomes:
            if len(self._latest) == self._latest.maxlen:
                self._dead -= self._latest[0]
            self._latest.append(is_dead)
            self._dead += is_dead
            seen = len(self._latest)
            if seen >= self._seen_min and self._dead > self._share_max * seen:
                raise DeadLetterFlood(
                    f"{self._dead} of the latest {seen} source records would become dead letters, "
                    f"more than the share of {self._share_max:g} which is allowed: the worker "
                    "ends and none of this group is acknowledged. Mend the producer or the apps "
                    "file; or set SHADOWPOINTS_DEAD_LETTER_SHARE_MAX=1 to let them be dead letters."
                )
