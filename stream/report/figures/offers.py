# SPDX-License-Identifier: Apache-2.0
"""What became of offers, by the month in which they were issued, from one partition in its order.

Offers that nothing has ended are held in memory, so it takes as much as a partition has live
offers: some 200 bytes each.
"""

from __future__ import annotations

from typing import Final

from schemas.offers import OFFER_ACCEPTED, OFFER_ISSUED, OFFER_LAPSED, OFFER_WITHDRAWN
from stream.engine.model.calendar import day_of
from stream.report.figures.counts import Counts
from stream.report.figures.events import Told
from stream.report.figures.periods import month_name

HOUR_MS: Final = 3_600_000
ENDS: Final = {OFFER_ACCEPTED: "accepted", OFFER_LAPSED: "lapsed", OFFER_WITHDRAWN: "withdrawn"}
SUPERSEDED: Final = "superseded"


class OfferHistory:
    """Follows each offer from its issue to its end.

    Of a consumer's several offers in one month the first counts as a person, so that the people of
    a count are never more than they are.
    """

    def __init__(self) -> None:
        self._ended = Counts()
        self._open: dict[str, tuple[int, int]] = {}  # offer id -> issued, people
        self._month, self._counted = "", set[str]()

    def add(self, event: Told) -> None:
        """Add one event of the offers topic."""
        offer = event.data.get("offer_id", "")
        if event.type == OFFER_ISSUED:
            self._open[offer] = event.as_of, self._people(event)
        elif event.type in ENDS and offer in self._open:
            issued, people = self._open.pop(offer)
            end = ENDS[event.type]
            if event.data.get("reason") == SUPERSEDED:
                end = SUPERSEDED
            self._end(self._ended, issued, people, end)
            hours = (event.as_of - issued) // HOUR_MS
            month = month_name(day_of(issued))
            self._ended.add(("offer_hours", month, end, f"{hours:06d}"), 1, people)

    @property
    def counts(self) -> Counts:
        """All offers; those that nothing has ended are live."""
        counts = Counts()
        counts.merge(self._ended)
        for issued, people in self._open.values():
            self._end(counts, issued, people, "live")
        return counts

    def _people(self, event: Told) -> int:
        if (month := month_name(day_of(event.as_of))) > self._month:
            self._month, self._counted = month, set()
        people = int(event.consumer not in self._counted)
        self._counted.add(event.consumer)
        return people

    @staticmethod
    def _end(counts: Counts, issued: int, people: int, end: str) -> None:
        month = month_name(day_of(issued))
        for measure in ("made", end):
            counts.add(("offers", month, measure), 1, people)
