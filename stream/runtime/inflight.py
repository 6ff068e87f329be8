"""Which runs a consumer has delivered and which of them are done: the offset that may be committed.

Faust's own account knows single offsets; a run is done as a whole, and named by its last offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faust.types import TP


class InFlight:
    """Per partition the delivered runs, oldest first; iterating names the partitions."""

    def __init__(self) -> None:
        self._runs: dict[TP, dict[int, bool]] = {}  # last offset -> whether the run is done

    def __iter__(self) -> Iterator[TP]:
        return iter(self._runs)

    def deliver(self, tp: TP, last_offset: int) -> None:
        """A run goes to its agent."""
        self._runs.setdefault(tp, {})[last_offset] = False

    def done(self, tp: TP, last_offset: int) -> None:
        """Its agent has dealt with a run; of no account if it was forgotten meanwhile."""
        runs = self._runs.get(tp, {})
        if last_offset in runs:
            runs[last_offset] = True

    def take(self, tp: TP) -> int | None:
        """The offset to commit: where the runs end which are done without a gap, and are forgotten.

        ``None``: nothing new.
        """
        runs, end = self._runs.get(tp, {}), None
        while runs and runs[last := next(iter(runs))]:
            del runs[last]
            end = last + 1
        return end

    def forget(self, tps: Iterable[TP] | None = None) -> None:
        """These partitions (all of them) will be fetched anew."""
        for tp in list(self._runs) if tps is None else tps:
            self._runs.pop(tp, None)
