"""The touches of a strand, packed: a newcomer is looked up and added without reading the others.

A row of 12 bytes holds a touch as most are (nothing of it was taken back): 6 bytes of its marker,
41 bits of its time and 7 bits which say what it is. The rest, few, are kept apart as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Self

import msgspec

from stream.engine.fields import BASES
from stream.engine.ids import MARKER_BYTES

SEEN_EVENT = 1
SEEN_REVERSAL = 2

_ROW = Struct(f"{MARKER_BYTES}s6s")
_START_MS = 1_293_840_000_000  # 2011-01-01, the earliest time of an event (schemas.base.TIME_MIN)
_SPAN_MS = 1 << 41  # up to 2080
_KINDS_MAX = 1 << 7
_AMOUNT_BYTES = 3
_AMOUNT_MAX = 1 << 8 * _AMOUNT_BYTES
_IN_AMOUNTS = -1

#: Touchpoint, and the points of each rule before caps, in rule order.
Kind = tuple[int, list[tuple[str, int]]]


class Touch(msgspec.Struct, array_like=True):
    """One touchpoint: when, what, and the points each rule gives it before caps."""

    time: int  # ms
    touchpoint: int
    points: list[tuple[str, int]] = []  # (rule id, points), in rule order
    rank: int = 0
    seen: int = 0  # SEEN_EVENT | SEEN_REVERSAL: which input records are in
    void: bool = False  # fully refunded or reverted

    @property
    def is_plain(self) -> bool:
        """Whether it came by one record, of which nothing was taken back."""
        return self.seen == SEEN_EVENT and not self.rank and not self.void


class Touches(msgspec.Struct, array_like=True, eq=False):
    """A mapping of markers to touches.

    Points which depend on an amount are different for each touch: in its kind they are -1, and
    stand in ``amounts``, 3 bytes each, in the order of the rows.
    """

    rows: bytes = b""
    kinds: list[Kind] = []
    amounts: bytes = b""
    odd: dict[bytes, Touch] = {}

    @classmethod
    def of(cls, touches: Mapping[bytes, Touch]) -> Self:
        """Packed."""
        packed = cls()
        for marker, touch in touches.items():
            packed[marker] = touch
        return packed

    def __len__(self) -> int:
        return len(self.rows) // _ROW.size + len(self.odd)

    def __contains__(self, marker: bytes) -> bool:
        if self.rows.find(marker) >= 0 and self._at(marker) >= 0:
            return True
        return marker in self.odd

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
        if (at := self._at(marker)) >= 0:
            self._drop(at)
        self.odd.pop(marker, None)
        self.add(marker, touch)

    def __delitem__(self, marker: bytes) -> None:
        if (at := self._at(marker)) >= 0:
            self._drop(at)
        else:
            del self.odd[marker]

    def add(self, marker: bytes, touch: Touch) -> None:
        """Set one which is not there."""
        if not self._append(marker, touch):
            self.odd[marker] = touch

    def get(self, marker: bytes) -> Touch | None:
        """The touch, if there is one."""
        at = self._at(marker)
        if at < 0:
            return self.odd.get(marker)
        return self._touch(self.rows[at + MARKER_BYTES : at + _ROW.size], self._amounts_before(at))

    def items(self) -> Iterator[tuple[bytes, Touch]]:
        """All touches; do not change them meanwhile."""
        place = 0
        for marker, rest in _ROW.iter_unpack(self.rows):
            touch = self._touch(rest, place)
            place += len(touch.points) * self._is_rated(rest)
            yield marker, touch
        yield from self.odd.items()

    def values(self) -> Iterator[Touch]:
        """All touches, without their markers."""
        return (touch for _, touch in self.items())

    def pop(self, marker: bytes) -> Touch:
        """Remove a touch and answer it."""
        touch = self[marker]
        del self[marker]
        return touch

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
        for _, number in points:
            if not 0 <= number < _AMOUNT_MAX:
                return False
        if touch.touchpoint in BASES and points:
            amounts = b"".join([n.to_bytes(_AMOUNT_BYTES, "big") for _, n in points])
            points = [(rule, _IN_AMOUNTS) for rule, _ in points]
        kind, kinds = (touch.touchpoint, points), self.kinds
        number = kinds.index(kind) if kind in kinds else len(kinds)
        if number == len(kinds):
            if number == _KINDS_MAX:
                return False
            self.kinds = [*kinds, kind]
        self.rows += marker + (since << 7 | number).to_bytes(6, "big")
        if amounts:
            self.amounts += amounts
        return True

    def _drop(self, at: int) -> None:
        end = at + _ROW.size
        rest = self.rows[at + MARKER_BYTES : end]
        if self._is_rated(rest):
            here = self._amounts_before(at) * _AMOUNT_BYTES
            width = len(self.kinds[rest[-1] & 127][1]) * _AMOUNT_BYTES
            self.amounts = self.amounts[:here] + self.amounts[here + width :]
        self.rows = self.rows[:at] + self.rows[end:]

    def _amounts_before(self, at: int) -> int:
        """How many amounts belong to the rows before the one at ``at``."""
        widths = [len(points) if points and points[0][1] < 0 else 0 for _, points in self.kinds]
        last = MARKER_BYTES + 5
        return sum([widths[byte & 127] for byte in self.rows[last : at : _ROW.size]])

    def _is_rated(self, rest: bytes) -> bool:
        points = self.kinds[rest[-1] & 127][1]
        return bool(points) and points[0][1] == _IN_AMOUNTS

    def _touch(self, rest: bytes, place: int) -> Touch:
        number = int.from_bytes(rest, "big")
        touchpoint, points = self.kinds[number & 127]
        if points and points[0][1] == _IN_AMOUNTS:
            points = [(rule, self._amount(place + i)) for i, (rule, _) in enumerate(points)]
        return Touch((number >> 7) + _START_MS, touchpoint, points, 0, SEEN_EVENT, False)

    def _amount(self, place: int) -> int:
        at = place * _AMOUNT_BYTES
        return int.from_bytes(self.amounts[at : at + _AMOUNT_BYTES], "big")
