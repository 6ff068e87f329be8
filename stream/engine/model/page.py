# SPDX-License-Identifier: Apache-2.0
"""A page: up to some thousand touches of one origin in few bytes, and what they come to.

A row of 12 bytes holds a touch as most are (nothing of it was taken back): 6 bytes of its marker,
41 bits of its time and 7 bits which say what it is; amounts of 3 bytes each stand beside the rows.
The rest, few, are kept apart as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.engine.model.calendar import DAY_MS, SHANGHAI_MS, day_of, start_of
from stream.engine.model.fields import BASES
from stream.engine.model.ids import MARKER_BYTES
from stream.engine.model.ruleset import MARK
from stream.engine.model.touchpoints import Touchpoint

SEEN_EVENT = 1
SEEN_REVERSAL = 2

_ROW = Struct(f"{MARKER_BYTES}s6s")
ROW_BYTES: Final = _ROW.size
_START_MS = 1_293_840_000_000  # 2011-01-01, the earliest time of an event (schemas.base.TIME_MIN)
_SPAN_MS = 1 << 41  # up to 2080
_KIND_BITS = 7
_KINDS_MAX = 1 << _KIND_BITS
_KIND = _KINDS_MAX - 1  # mask
_AMOUNT_BYTES = 3
_AMOUNT_MAX = 1 << 8 * _AMOUNT_BYTES
_IN_AMOUNTS = -1
_SUMMARISED_FROM = 150  # rows
#: The touchpoints whose rows have their fen among the amounts.
_PAID = frozenset({Touchpoint.PURCHASE})

#: Touchpoint, and the points of each rule before caps, in rule order.
Kind = tuple[int, list[tuple[str, int]]]
Column = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Touch(msgspec.Struct, array_like=True):
    """One touchpoint: when, what, the points each rule gives it before caps, and what was paid."""

    time: int  # ms
    touchpoint: int
    points: list[tuple[str, int]] = []  # (rule id, points), in rule order; then marks
    rank: int = 0
    seen: int = 0  # SEEN_EVENT | SEEN_REVERSAL: which input records are in
    void: bool = False  # fully refunded or reverted
    fen: int = 0  # paid by the consumer and not refunded

    @property
    def is_plain(self) -> bool:
        """Whether it came by one record, of which nothing was taken back."""
        return self.seen == SEEN_EVENT and not self.rank and not self.void

    @property
    def most(self) -> int:
        """How many bytes it takes at most: apart from the rows, with the highest rank."""
        return 33 + 8 * bool(self.fen) + sum([len(rule) + 8 for rule, _ in self.points])


class Summary(msgspec.Struct, array_like=True):
    """What the rows of a page come to, as long as all of them count."""

    earliest: int  # ms
    latest: int  # ms
    number: int
    touches: dict[int, int] = {}  # touchpoint -> how many
    last: dict[int, int] = {}  # touchpoint -> time of the latest, ms
    cells: dict[str, dict[int, int]] = {}  # rule -> day -> points before caps


class Page(msgspec.Struct, array_like=True, eq=False):
    """Touches by marker; ``rows`` in the order in which they were added.

    What was paid is different for each touch, and so are points that depend on an amount: in its
    kind they are -1. Both stand in ``amounts``, 3 bytes each, in the order of the rows; of one row
    first what was paid, then the points in rule order.
    """

    rows: bytes = b""
    kinds: list[Kind] = []
    amounts: bytes = b""
    odd: dict[bytes, Touch] = {}
    summary: Summary | None = None  # of the rows; None: to be made

    def __len__(self) -> int:
        return len(self.rows) // _ROW.size + len(self.odd)

    @property
    def weight(self) -> int:
        """About how many bytes its touches take."""
        odd = sum([touch.most for touch in self.odd.values()])
        return len(self.rows) + len(self.amounts) + odd

    def __contains__(self, marker: bytes) -> bool:
        if self.rows.find(marker) >= 0 and self._at(marker) >= 0:
            return True
        return marker in self.odd

    def get(self, marker: bytes) -> Touch | None:
        """The touch, if there is one."""
        at = self._at(marker)
        if at < 0:
            return self.odd.get(marker)
        return self._touch(self.rows[at + MARKER_BYTES : at + _ROW.size], self._amounts_before(at))

    def add(self, marker: bytes, touch: Touch) -> None:
        """Set one which is not there."""
        if self._append(marker, touch):
            self.summary = None
        else:
            self.odd[marker] = touch

    def replace(self, marker: bytes, touch: Touch) -> None:
        """Set one which is there; what stands apart stays apart."""
        if marker in self.odd:
            self.odd[marker] = touch
        else:
            self.remove(marker)
            self.add(marker, touch)

    def remove(self, marker: bytes) -> None:
        """Take one out which is there."""
        if (at := self._at(marker)) >= 0:
            self._drop(at)
            self.summary = None
        else:
            del self.odd[marker]

    def set_apart(self, marker: bytes) -> None:
        """Keep a touch by itself from now on, so that it can be counted by itself."""
        touch = self.get(marker)
        if touch is not None and marker not in self.odd:
            self.remove(marker)
            self.odd[marker] = touch

    def items(self) -> Iterator[tuple[bytes, Touch]]:
        """All touches; do not change them meanwhile."""
        place, widths = 0, self._widths()
        for marker, rest in _ROW.iter_unpack(self.rows):
            yield marker, self._touch(rest, place)
            place += widths[rest[-1] & _KIND]
        yield from self.odd.items()

    def absorb(self, other: Page) -> bool:
        """Take in all touches of a page which has none of these; whether there was room."""
        kinds = self.kinds + [kind for kind in other.kinds if kind not in self.kinds]
        if len(kinds) > _KINDS_MAX:
            return False
        if other.kinds == kinds[: len(other.kinds)]:
            rows = other.rows
        else:
            numbers = [kinds.index(kind) for kind in other.kinds]
            changed = bytearray(other.rows)
            for at in range(_ROW.size - 1, len(changed), _ROW.size):
                changed[at] = changed[at] & ~_KIND | numbers[changed[at] & _KIND]
            rows = bytes(changed)
        self.kinds, self.rows, self.amounts = kinds, self.rows + rows, self.amounts + other.amounts
        self.odd = self.odd | other.odd
        self.summary = None
        return True

    def split(self) -> Page:
        """Give half of the touches away to a new page."""
        at = len(self.rows) // _ROW.size // 2 * _ROW.size
        amount = self._amounts_before(at) * _AMOUNT_BYTES
        odd = list(self.odd.items())
        half = len(odd) // 2
        other = Page(self.rows[at:], list(self.kinds), self.amounts[amount:], dict(odd[half:]))
        self.rows, self.amounts, self.odd = self.rows[:at], self.amounts[:amount], dict(odd[:half])
        self.summary = None
        return other

    def strip(self) -> None:
        """Leave out what follows from the touches, and kinds which none of them has any more."""
        self.summary = None
        used = np.unique(self.columns()[1]).tolist() if self.rows else []
        if len(used) < len(self.kinds):
            place = {number: new for new, number in enumerate(used)}
            changed = bytearray(self.rows)
            for at in range(_ROW.size - 1, len(changed), _ROW.size):
                changed[at] = changed[at] & ~_KIND | place[changed[at] & _KIND]
            self.rows, self.kinds = bytes(changed), [self.kinds[number] for number in used]

    # what they come to ------------------------------------------------------------------------

    def summed(self) -> Summary:
        """The summary of all rows, of which there must be some; kept from then on."""
        if self.summary is None:
            self.summary = self.summarise()
        return self.summary

    def columns(self) -> tuple[Column, Column]:
        """The time (ms) and the number of the kind of each row."""
        raw = np.frombuffer(self.rows, np.uint8).reshape(-1, _ROW.size)
        wide = np.zeros((len(raw), 8), np.uint8)
        wide[:, :6] = raw[:, : MARKER_BYTES - 1 : -1]  # little-endian, as processors have it
        packed = wide.view("<i8").reshape(-1).astype(np.int64, copy=False)
        return (packed >> _KIND_BITS) + _START_MS, packed & _KIND

    def summarise(self, keep: Mask | None = None, cuts: Column | None = None) -> Summary:
        """What the rows come to, or those of them which ``keep`` has; one at least.

        With ``cuts`` (ms, rising, the first before all rows), points are not by days but by the
        instants at which a day begins, or the part of it after a cut.
        """
        times, kinds = self.columns()
        places = self._places(kinds) if self.amounts else kinds
        if keep is not None:
            times, kinds, places = times[keep], kinds[keep], places[keep]
        found = Summary(int(times.min()), int(times.max()), len(times), {}, {}, {})
        days, begins = (times + SHANGHAI_MS) // DAY_MS, None
        if cuts is not None:
            after = cuts[np.searchsorted(cuts, times, "right") - 1]
            begins, days = np.unique(
                np.maximum(days * DAY_MS - SHANGHAI_MS, after), return_inverse=True
            )
        amounts = self._all_amounts() if self.amounts else kinds
        for number in np.flatnonzero(np.bincount(kinds)).tolist():
            mine = kinds == number
            touchpoint, points = self.kinds[number]
            last = int(times[mine].max())
            found.touches[touchpoint] = found.touches.get(touchpoint, 0) + int(mine.sum())
            found.last[touchpoint] = max(last, found.last.get(touchpoint, last))
            for i, (rule, fixed) in enumerate(points, touchpoint in _PAID):
                per_touch = fixed if fixed != _IN_AMOUNTS else amounts[places[mine] + i]
                _add_days(found.cells.setdefault(rule, {}), days[mine], per_touch)
        if begins is not None:
            for rule, parts in found.cells.items():
                found.cells[rule] = {int(begins[part]): n for part, n in parts.items()}
        return found

    def last_of_each(self) -> dict[int, int]:
        """The time (ms) of the latest touch of each touchpoint that there is."""
        by_kind: dict[int, int] = {}
        if self.summary is None and len(self.rows) <= _SUMMARISED_FROM * _ROW.size:
            for _, rest in _ROW.iter_unpack(self.rows):  # faster than numpy where there are few
                number = int.from_bytes(rest, "big")
                if number > by_kind.get(number & _KIND, -1):
                    by_kind[number & _KIND] = number
            found: dict[int, int] = {}
            times = [
                (self.kinds[kind][0], (number >> _KIND_BITS) + _START_MS)
                for kind, number in by_kind.items()
            ]
        else:
            found = dict(self.summed().last)
            times = []
        times += [(touch.touchpoint, touch.time) for touch in self.odd.values()]
        for touchpoint, time in times:
            if time > found.get(touchpoint, -1):
                found[touchpoint] = time
        return found

    def marks(self) -> Iterator[tuple[str, int]]:
        """Every mark, with the time (ms) of its touch."""
        for number, (_, points) in enumerate(self.kinds):
            for name, _ in points:
                if name.startswith(MARK) and self.rows:
                    times, kinds = self.columns()
                    for time in times[kinds == number].tolist():
                        yield name, time
        for touch in self.odd.values():
            yield from ((name, touch.time) for name, _ in touch.points if name.startswith(MARK))

    def paid(self) -> tuple[Column, Column] | None:
        """The time (ms) and the fen of each row that was paid; ``None`` if none is."""
        paid = [touchpoint in _PAID for touchpoint, _ in self.kinds]
        if not any(paid):
            return None
        times, kinds = self.columns()
        mine = np.array(paid)[kinds]
        return times[mine], self._all_amounts()[self._places(kinds)[mine]]

    def number_on(self, day: int, touchpoint: int) -> int:
        """How many touches of this touchpoint there are on a Shanghai day."""
        odd = [t for t in self.odd.values() if t.touchpoint == touchpoint and day_of(t.time) == day]
        start, end, known = start_of(day), start_of(day + 1), self.summary
        if not self.rows or (known and (known.latest < start or known.earliest >= end)):
            return len(odd)
        times, kinds = self.columns()
        right = np.array([kind[0] == touchpoint for kind in self.kinds])
        return len(odd) + int(((times >= start) & (times < end) & right[kinds]).sum())

    # rows -------------------------------------------------------------------------------------

    def _places(self, kinds: Column) -> Column:
        """Where the amounts of each row begin."""
        widths = np.array(self._widths(), np.int64)[kinds]
        return np.cumsum(widths) - widths

    def _all_amounts(self) -> Column:
        raw = np.frombuffer(self.amounts, np.uint8).reshape(-1, _AMOUNT_BYTES).astype(np.int64)
        return (raw[:, 0] << 16) + (raw[:, 1] << 8) + raw[:, 2]

    def _widths(self) -> list[int]:
        """How many amounts a row of each kind has."""
        return [
            (touchpoint in _PAID) + (len(points) if points and points[0][1] < 0 else 0)
            for touchpoint, points in self.kinds
        ]

    def _at(self, marker: bytes) -> int:
        """Where its row begins, or -1."""
        if len(marker) != MARKER_BYTES:
            return -1
        at = self.rows.find(marker)
        while at >= 0 and at % _ROW.size:
            at = self.rows.find(marker, at + 1)
        return at

    def _append(self, marker: bytes, touch: Touch) -> bool:
        since, points, amounts = touch.time - _START_MS, touch.points, b""
        if not (touch.is_plain and 0 <= since < _SPAN_MS and len(marker) == MARKER_BYTES):
            return False
        paid = touch.touchpoint in _PAID
        if not 0 <= touch.fen < (_AMOUNT_MAX if paid else 1):
            return False
        for _, number in points:
            if not 0 <= number < _AMOUNT_MAX:
                return False
        if paid:
            amounts = touch.fen.to_bytes(_AMOUNT_BYTES, "big")
        if points and touch.touchpoint in BASES:
            amounts += b"".join([n.to_bytes(_AMOUNT_BYTES, "big") for _, n in points])
            points = [(rule, _IN_AMOUNTS) for rule, _ in points]
        kind, kinds = (touch.touchpoint, points), self.kinds
        number = kinds.index(kind) if kind in kinds else len(kinds)
        if number == len(kinds):
            if number == _KINDS_MAX:
                return False
            self.kinds = [*kinds, kind]
        self.rows += marker + (since << _KIND_BITS | number).to_bytes(6, "big")
        if amounts:
            self.amounts += amounts
        return True

    def _drop(self, at: int) -> None:
        end = at + _ROW.size
        rest = self.rows[at + MARKER_BYTES : end]
        if width := self._widths()[rest[-1] & _KIND] * _AMOUNT_BYTES:
            here = self._amounts_before(at) * _AMOUNT_BYTES
            self.amounts = self.amounts[:here] + self.amounts[here + width :]
        self.rows = self.rows[:at] + self.rows[end:]

    def _amounts_before(self, at: int) -> int:
        """How many amounts belong to the rows before the one at ``at``."""
        widths = self._widths()
        last = MARKER_BYTES + 5
        return sum([widths[byte & _KIND] for byte in self.rows[last : at : _ROW.size]])

    def _touch(self, rest: bytes, place: int) -> Touch:
        number = int.from_bytes(rest, "big")
        touchpoint, points = self.kinds[number & _KIND]
        paid = touchpoint in _PAID
        fen = self._amount(place) if paid else 0
        if points and points[0][1] == _IN_AMOUNTS:
            points = [(rule, self._amount(place + i)) for i, (rule, _) in enumerate(points, paid)]
        time = (number >> _KIND_BITS) + _START_MS
        return Touch(time, touchpoint, points, 0, SEEN_EVENT, False, fen)

    def _amount(self, place: int) -> int:
        at = place * _AMOUNT_BYTES
        return int.from_bytes(self.amounts[at : at + _AMOUNT_BYTES], "big")


def _add_days(cells: dict[int, int], days: Column, points: int | Column) -> None:
    """Add the points of each touch to its day."""
    first = int(days.min())
    sums = np.zeros(int(days.max()) - first + 1, np.int64)
    np.add.at(sums, days - first, points)
    for at in np.flatnonzero(sums).tolist():
        cells[first + at] = cells.get(first + at, 0) + int(sums[at])
