# SPDX-License-Identifier: Apache-2.0
"""The schedule against a list of everything that was added, under any order of failures."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stream.webhooks.schedule import Delivery, Partition, Schedule

AT_ONCE = 3
PARTITIONS: list[Partition] = [("shadow.offers", 0), ("shadow.offers", 1)]
partitions, lanes = st.sampled_from(PARTITIONS), st.sampled_from("abc")


@dataclass(eq=False)
class Item:
    """A delivery as the model knows it."""

    delivery: Delivery
    partition: Partition
    lane: str
    not_before_ms: int = 0
    under_way: bool = False


class Deliveries(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.schedule = Schedule(AT_ONCE)
        self.now_ms = self.paused_until_ms = self.number = 0
        self.items: list[Item] = []  # in order, without those that are done
        self.strays: list[Delivery] = []  # under way when their partition was dropped

    # the model ---------------------------------------------------------------------------

    def heads(self) -> list[Item]:
        first: dict[tuple[Partition, str], Item] = {}
        for item in self.items:
            first.setdefault((item.partition, item.lane), item)
        return list(first.values())

    def under_way(self) -> list[Item]:
        return [item for item in self.items if item.under_way]

    def room(self) -> int:
        return AT_ONCE - len(self.under_way()) - len(self.strays)

    def due(self) -> list[Item]:
        waiting = [item for item in self.heads() if not item.under_way]
        return [item for item in waiting if item.not_before_ms <= self.now_ms]

    # what happens ------------------------------------------------------------------------

    @rule(partition=partitions, lane=lanes, id_=st.sampled_from("xyz"))
    def add(self, partition: Partition, lane: str, id_: str) -> None:
        delivery = Delivery(id_, self.number, bytes_held=self.number)
        self.number += 1
        self.schedule.add(partition, lane, delivery)
        self.items.append(Item(delivery, partition, lane))

    @rule(pass_ms=st.integers(0, 10))
    def start(self, pass_ms: int) -> None:
        self.now_ms += pass_ms
        started = self.schedule.start(self.now_ms)
        due = {} if self.now_ms < self.paused_until_ms else {i.delivery: i for i in self.due()}
        assert set(started) <= due.keys()
        assert len(started) == len(set(started)) == min(max(0, self.room()), len(due))
        for delivery in started:
            due[delivery].under_way = True

    @precondition(lambda self: self.under_way())
    @rule(data=st.data(), fails_for_ms=st.none() | st.integers(0, 20))
    def reply(self, data: st.DataObject, fails_for_ms: int | None) -> None:
        item = data.draw(st.sampled_from(self.under_way()))
        item.under_way = False
        if fails_for_ms is None or item.delivery.erased:
            self.schedule.done(item.delivery)
            self.items.remove(item)
        else:
            item.not_before_ms = self.now_ms + fails_for_ms
            self.schedule.again(item.delivery, item.not_before_ms)

    @precondition(lambda self: self.strays)
    @rule(fails=st.booleans())
    def stray_reply(self, fails: bool) -> None:
        delivery = self.strays.pop()
        if fails:
            self.schedule.again(delivery, self.now_ms)
        else:
            self.schedule.done(delivery)

    @rule(partition=partitions)
    def drop(self, partition: Partition) -> None:
        self.schedule.drop(partition)
        mine = [item for item in self.items if item.partition == partition]
        self.strays += [item.delivery for item in mine if item.under_way]
        self.items = [item for item in self.items if item.partition != partition]

    @rule(partition=partitions, id_=st.sampled_from("xyz"))
    def erase(self, partition: Partition, id_: str) -> None:
        lane, removed = self.schedule.erase(partition, id_)
        hers = [i for i in self.items if i.partition == partition and i.delivery.id == id_]
        assert set(removed) == {item.delivery for item in hers if not item.under_way}
        assert (lane in {item.lane for item in hers}) if hers else (lane is None)
        assert all(item.delivery.erased for item in hers if item.under_way)
        self.items = [item for item in self.items if item not in hers or item.under_way]

    @rule(for_ms=st.integers(0, 10))
    def pause(self, for_ms: int) -> None:
        self.schedule.pause(self.now_ms + for_ms)
        self.paused_until_ms = max(self.paused_until_ms, self.now_ms + for_ms)

    # what always holds -------------------------------------------------------------------

    @invariant()
    def counts_are_right(self) -> None:
        for partition in PARTITIONS:
            mine = [i.delivery for i in self.items if i.partition == partition]
            expected = len(mine), sum(delivery.bytes_held for delivery in mine)
            assert self.schedule.held(partition) == expected
        assert self.schedule.total == len(self.items)

    @invariant()
    def it_wakes_in_time(self) -> None:
        next_ms = self.schedule.next_ms()
        waiting = [item.not_before_ms for item in self.heads() if not item.under_way]
        if self.room() and waiting:
            assert next_ms is not None
            assert next_ms <= max(self.paused_until_ms, min(waiting))

    def teardown(self) -> None:
        """The receiver is there again: all goes out, in order of each lane."""
        while self.strays:
            self.schedule.done(self.strays.pop())
        for item in self.under_way():
            self.schedule.done(item.delivery)
            self.items.remove(item)
        went: list[Delivery] = []
        self.now_ms += 100
        while started := self.schedule.start(self.now_ms):
            for delivery in started:
                self.schedule.done(delivery)
            went += started
        assert sorted(d.record for d in went) == [i.delivery.record for i in self.items]
        for head in self.heads():
            same = [i for i in self.items if (i.partition, i.lane) == (head.partition, head.lane)]
            mine = {item.delivery for item in same}
            assert [d for d in went if d in mine] == [item.delivery for item in same]
        assert self.schedule.next_ms() is None


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_lane_that_fails_holds_up_no_other() -> None:
    schedule = Schedule(1)
    bad, after, good = (Delivery(id_, None) for id_ in ("bad", "after", "good"))
    for lane, delivery in (("a", bad), ("a", after), ("b", good)):
        schedule.add(PARTITIONS[0], lane, delivery)
    assert schedule.start(0) == [bad]
    schedule.again(bad, 50)
    assert schedule.start(0) == [good]
    schedule.done(good)
    assert (schedule.start(49), schedule.next_ms()) == ([], 50)
    assert schedule.start(50) == [bad]
