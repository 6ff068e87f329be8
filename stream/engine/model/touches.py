# SPDX-License-Identifier: Apache-2.0
"""The touches of one origin: a mapping of markers to touches, in pages.

A newcomer goes to the tail, which is stored with the account. A tail which has grown is sealed: it
joins the last of the pages, which are stored by themselves and written only when they change. So
what one more touch costs does not grow with the touches there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Self

import msgspec

from stream.engine.model.calendar import day_of
from stream.engine.model.limits import PAGE_BYTES_MAX
from stream.engine.model.page import SEEN_EVENT, SEEN_REVERSAL, Kind, Page, Touch

__all__ = ["SEEN_EVENT", "SEEN_REVERSAL", "Kind", "Touch", "Touches", "share"]


_decode_page = msgspec.msgpack.Decoder(Page).decode


class Touches(msgspec.Struct, array_like=True, eq=False):
    """A mapping of markers to touches.

    ``sealed`` goes along in messages; stored, the pages stand under numbers of their own, which
    ``paged`` lists (``stream.engine.storage.codec``). A page stays encoded until something is asked
    of it.
    """

    tail: Page = msgspec.field(default_factory=Page)
    paged: list[int] = []  # numbers of the sealed pages which are stored, in order
    sealed: list[Page | bytes] = []
    changed: list[int] = []  # which of the stored ones are not as they are stored, by place
    busy: dict[int, tuple[int, int]] = {}  # touchpoint -> a day and how many it has, once asked
    most: int = 0  # bytes which they come to at most, whatever is taken back or comes again

    @classmethod
    def of(cls, touches: Mapping[bytes, Touch]) -> Self:
        """Packed."""
        packed = cls()
        for marker, touch in touches.items():
            packed.add(marker, touch)
        return packed

    @property
    def pages(self) -> list[Page]:
        """All pages, the tail last."""
        return [*map(self._read, range(len(self.sealed))), self.tail]

    @property
    def earliest(self) -> int:
        """The time (ms) of the earliest touch, of which there must be one."""
        times = [page.summed().earliest for page in self.pages if page.rows]
        times += [touch.time for page in self.pages for touch in page.odd.values()]
        return min(times)

    @property
    def latest(self) -> int:
        """The time (ms) of the latest touch; 0 if there is none."""
        times = [page.summed().latest for page in self.pages if page.rows]
        times += [touch.time for page in self.pages for touch in page.odd.values()]
        return max(times, default=0)

    def __len__(self) -> int:
        return sum([len(page) for page in self.pages])

    def __bool__(self) -> bool:
        return bool(len(self.tail)) or any(len(page) for page in self.sealed)

    def __contains__(self, marker: bytes) -> bool:
        return marker in self.tail or self._place_of(marker) >= 0

    def __iter__(self) -> Iterator[bytes]:
        return (marker for marker, _ in self.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Touches) and dict(self.items()) == dict(other.items())

    def __getitem__(self, marker: bytes) -> Touch:
        touch = self.get(marker)
        if touch is None:
            raise KeyError(marker)
        return touch

    def __setitem__(self, marker: bytes, touch: Touch) -> None:
        page = self._page_of(marker)
        if page is None:
            self.add(marker, touch)
        else:
            known = page.get(marker)
            assert known is not None
            self.most += touch.most - known.most
            page.replace(marker, touch)
            self._relieve()

    def __delitem__(self, marker: bytes) -> None:
        page = self._page_of(marker)
        known = page.get(marker) if page is not None else None
        if page is None or known is None:
            raise KeyError(marker)
        self.most -= known.most
        page.remove(marker)
        self.busy = {}

    def add(self, marker: bytes, touch: Touch, *, apart: bool = False) -> None:
        """Set one which is not there; ``apart`` from the rows if another origin has it, too."""
        if self.busy and (known := self.busy.get(touch.touchpoint)) is not None:
            day, number = known
            if day_of(touch.time) == day:
                self.busy = {**self.busy, touch.touchpoint: (day, number + 1)}
        self.most += touch.most
        if apart:
            self.tail.odd[marker] = touch
        else:
            self.tail.add(marker, touch)

    def set_apart(self, marker: bytes) -> None:
        """Keep a touch by itself from now on: another origin has it, too."""
        page = self._page_of(marker)
        if page is not None:
            page.set_apart(marker)
            self._relieve()

    def get(self, marker: bytes) -> Touch | None:
        """The touch, if there is one."""
        if marker in self.tail:
            return self.tail.get(marker)
        place = self._place_of(marker)
        return self._read(place).get(marker) if place >= 0 else None

    def items(self) -> Iterator[tuple[bytes, Touch]]:
        """All touches; do not change them meanwhile."""
        for page in self.pages:
            yield from page.items()

    def values(self) -> Iterator[Touch]:
        """All touches, without their markers."""
        return (touch for _, touch in self.items())

    def pop(self, marker: bytes) -> Touch:
        """Remove a touch and answer it."""
        touch = self[marker]
        del self[marker]
        return touch

    def last_of_each(self) -> dict[int, int]:
        """The time (ms) of the latest touch of each touchpoint that there is."""
        found: dict[int, int] = {}
        for page in self.pages:
            for touchpoint, time in page.last_of_each().items():
                if time > found.get(touchpoint, -1):
                    found[touchpoint] = time
        return found

    def marks(self) -> Iterator[tuple[str, int]]:
        """Every mark, with the time (ms) of its touch."""
        for page in self.pages:
            yield from page.marks()

    def number_on(self, day: int, touchpoint: int) -> int:
        """How many touches of this touchpoint there are on a Shanghai day.

        Of the latest day that was asked for it is remembered.
        """
        known_day, known = self.busy.get(touchpoint, (-1, 0))
        if known_day == day:
            return known
        number = sum([page.number_on(day, touchpoint) for page in self.pages])
        if day > known_day:
            self.busy = {**self.busy, touchpoint: (day, number)}
        return number

    def read(self) -> None:
        """Decode all pages now; raises ``msgspec.MsgspecError`` for foreign bytes."""
        for place in range(len(self.sealed)):
            self._read(place)

    def seal(self) -> None:
        """Empty the tail into the last sealed page, or into one more."""
        last = self._read(len(self.sealed) - 1) if self.sealed else None
        fits = last is not None and last.weight + self.tail.weight <= PAGE_BYTES_MAX // 2
        if last is not None and fits and last.absorb(self.tail):
            self._mark(len(self.sealed) - 1)
        else:
            self.sealed = [*self.sealed, self.tail]
        self.tail = Page()

    def shed(self) -> None:
        """Drop the sealed pages that have become empty."""
        kept = [place for place, page in enumerate(self.sealed) if len(page)]
        if len(kept) == len(self.sealed):
            return
        self.paged = [self.paged[place] for place in kept if place < len(self.paged)]
        self.changed = [new for new, place in enumerate(kept) if place in self.changed]
        self.sealed = [self.sealed[place] for place in kept]

    def leave(self) -> None:
        """Forget where the pages are stored: they go elsewhere, with nothing but the touches."""
        self.paged, self.changed = [], []
        for page in self.pages:
            page.strip()

    def _page_of(self, marker: bytes) -> Page | None:
        """The page which has a marker, and which is about to be changed."""
        if marker in self.tail:
            return self.tail
        place = self._place_of(marker)
        if place < 0:
            return None
        self._mark(place)
        return self._read(place)

    def _place_of(self, marker: bytes) -> int:
        """Which sealed page has a marker; -1: none."""
        for place, page in enumerate(self.sealed):
            # The bytes of a page hold its markers as they are.
            if (not isinstance(page, bytes) or page.find(marker) >= 0) and marker in self._read(
                place
            ):
                return place
        return -1

    def _read(self, place: int) -> Page:
        """A sealed page, decoded once."""
        page = self.sealed[place]
        if isinstance(page, bytes):
            page = _decode_page(page)
            self.sealed = [*self.sealed[:place], page, *self.sealed[place + 1 :]]
        return page

    def _mark(self, place: int) -> None:
        if place not in self.changed:
            self.changed = [*self.changed, place]

    def _relieve(self) -> None:
        """Split a page which has grown too heavy by what was set apart in it."""
        for place in self.changed:
            page = self._read(place)
            if page.weight > PAGE_BYTES_MAX:
                self.sealed = [*self.sealed, page.split()]


def share(facts_by_origin: Iterable[Touches], newcomer: Touches) -> None:
    """Set apart, in all origins' touches, what a newcomer among them has, too: it counts once."""
    mine: set[bytes] | None = None
    for touches in facts_by_origin:
        if touches is newcomer or not touches:
            continue
        mine = set(newcomer) if mine is None else mine
        for marker in sorted(mine.intersection(touches)):
            touches.set_apart(marker)
            newcomer.set_apart(marker)
