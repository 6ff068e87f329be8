# SPDX-License-Identifier: Apache-2.0
"""Decide which delivery is sent next: in order of each consumer, and those of others meanwhile.

The events of one consumer in one partition are a *lane*. One delivery of a lane is under way at a
time, its first; a lane whose delivery failed waits, and no other lane waits for it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from heapq import heappop, heappush
from typing import Any

#: Topic and partition.
Partition = tuple[str, int]


class _State(Enum):
    IDLE = auto()  # empty, and forgotten
    READY = auto()
    UNDER_WAY = auto()
    WAITING = auto()  # for its next attempt


@dataclass(eq=False, slots=True)
class _Lane:
    partition: Partition
    name: str
    state: _State = _State.IDLE
    retry_ms: int = 0
    deliveries: deque[Delivery] = field(default_factory=deque)


@dataclass(eq=False, slots=True)
class Delivery:
    """An event to deliver. ``record`` is not looked into."""

    id: str
    record: Any
    bytes_held: int = 0
    attempts: int = 0
    erased: bool = False  # while it was under way: there is no further attempt
    _lane: _Lane | None = field(default=None, repr=False)


class Schedule:
    """At most ``at_once`` deliveries are under way. Times are in ms, of any one clock."""

    def __init__(self, at_once: int) -> None:
        self._room = at_once
        self._lanes: dict[Partition, dict[str, _Lane]] = {}
        self._held: dict[Partition, list[int]] = {}  # deliveries, and their bytes
        self._ready: deque[_Lane] = deque()
        self._waiting: list[tuple[int, int, _Lane]] = []  # a heap
        self._number = 0
        self._paused_until_ms = 0

    def add(self, partition: Partition, lane: str, delivery: Delivery) -> None:
        """Append a delivery to a lane."""
        lanes = self._lanes.setdefault(partition, {})
        found = lanes.get(lane)
        if found is None:
            found = lanes[lane] = _Lane(partition, lane)
        delivery._lane = found
        found.deliveries.append(delivery)
        self._count(partition, 1, delivery.bytes_held)
        if found.state is _State.IDLE:
            self._make_ready(found)

    def erase(self, partition: Partition, id_: str) -> tuple[str | None, list[Delivery]]:
        """Take an erased event out: the lane that had it, and its deliveries that never go out.

        One that is under way is marked. What is said of the event goes into the same lane, so that
        it is said last.
        """
        name, removed = None, []
        for lane in list(self._lanes.get(partition, {}).values()):
            for delivery in [d for d in lane.deliveries if d.id == id_]:
                name = lane.name
                if lane.state is _State.UNDER_WAY and delivery is lane.deliveries[0]:
                    delivery.erased = True
                    continue
                if lane.state is _State.WAITING and delivery is lane.deliveries[0]:
                    self._make_ready(lane)
                lane.deliveries.remove(delivery)
                removed.append(delivery)
                self._count(partition, -1, -delivery.bytes_held)
                self._forget_if_empty(lane)
        return name, removed

    def start(self, now_ms: int) -> list[Delivery]:
        """The deliveries to send now: each is under way until ``done`` or ``again``."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            retry_ms, _, lane = heappop(self._waiting)
            if lane.state is _State.WAITING and lane.retry_ms == retry_ms:
                self._make_ready(lane)
        started: list[Delivery] = []
        while self._room and self._ready and now_ms >= self._paused_until_ms:
            lane = self._ready.popleft()
            if lane.state is _State.READY:
                lane.state = _State.UNDER_WAY
                self._room -= 1
                started.append(lane.deliveries[0])
        return started

    def done(self, delivery: Delivery) -> None:
        """It was delivered, or given up."""
        self._room += 1
        lane = delivery._lane
        assert lane is not None
        if lane.state is not _State.UNDER_WAY:
            return  # its partition was dropped
        lane.deliveries.popleft()
        self._count(lane.partition, -1, -delivery.bytes_held)
        if not self._forget_if_empty(lane):
            self._make_ready(lane)

    def again(self, delivery: Delivery, at_ms: int) -> None:
        """It failed, and is sent again at a time or later."""
        self._room += 1
        lane = delivery._lane
        assert lane is not None
        if lane.state is not _State.UNDER_WAY:
            return
        lane.state, lane.retry_ms = _State.WAITING, at_ms
        self._number += 1
        heappush(self._waiting, (at_ms, self._number, lane))

    def pause(self, until_ms: int) -> None:
        """Send nothing before a time."""
        self._paused_until_ms = max(self._paused_until_ms, until_ms)

    def drop(self, partition: Partition) -> None:
        """Forget all of a partition; what is under way ends without effect here."""
        for lane in self._lanes.pop(partition, {}).values():
            lane.state = _State.IDLE
            lane.deliveries.clear()
        self._held.pop(partition, None)

    def next_ms(self) -> int | None:
        """When ``start`` may have something to send; ``None``: not before the next change."""
        if not self._room:
            return None
        if self._ready:
            return self._paused_until_ms
        return max(self._paused_until_ms, self._waiting[0][0]) if self._waiting else None

    def held(self, partition: Partition) -> tuple[int, int]:
        """How many deliveries of a partition are not done, and the bytes that they hold."""
        count, bytes_held = self._held.get(partition, (0, 0))
        return count, bytes_held

    @property
    def partitions(self) -> list[Partition]:
        """Those of which something was added, and that were not dropped."""
        return list(self._held)

    @property
    def total(self) -> int:
        """All deliveries that are not done."""
        return sum(count for count, _ in self._held.values())

    def _make_ready(self, lane: _Lane) -> None:
        lane.state = _State.READY
        self._ready.append(lane)

    def _forget_if_empty(self, lane: _Lane) -> bool:
        if lane.deliveries:
            return False
        lane.state = _State.IDLE
        del self._lanes[lane.partition][lane.name]
        return True

    def _count(self, partition: Partition, deliveries: int, bytes_held: int) -> None:
        held = self._held.setdefault(partition, [0, 0])
        held[0] += deliveries
        held[1] += bytes_held
