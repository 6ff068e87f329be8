# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import cast

import pytest
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from schemas import dead_letter
from stream.addressing.topics import TopicNames
from stream.kafka import dead_letter_replay as module
from stream.kafka.dead_letter_reader import (
    RECEIPT,
    DeadLetter,
    DeadLetterQueue,
    Place,
    Replayed,
    Selection,
    ranges,
)
from stream.kafka.dead_letter_replay import REPLAY_OF, Replay, SourceTopics, again, receipts
from stream.tables.base import Record

DEAD = "shadow.dead-letters"


def letter(offset: int, partition: int = 0, topic: str = "wechat.pay") -> DeadLetter:
    return DeadLetter(
        place=Place(DEAD, partition, offset),
        original=Place(topic, partition, offset + 50),
        reason="unknown_app",
        stage="identify",
        message="",
        time_ms=0,
        key=b"k",
        value=b"v%d" % offset,
        headers=((dead_letter.REASON, b"unknown_app"), ("trace", b"\xff"), ("trace", b"2")),
    )


class Broker:
    """Keeps what is published, but for values which are too large."""

    def __init__(self, *too_large: bytes) -> None:
        self.records: list[Record] = []
        self._too_large = too_large

    async def publish(self, records: Sequence[Record]) -> None:
        if any(record.value in self._too_large for record in records):
            raise MessageSizeTooLargeError
        self.records += records

    @property
    def values(self) -> list[bytes | None]:
        return [r.value for r in self.records if r.topic != DEAD]

    @property
    def replayed(self) -> Replayed:
        """What the receipts say."""
        found = Replayed()
        for record in self.records:
            if record.topic == DEAD and record.headers[0][0] == RECEIPT:
                for first, last in ranges(record.value or b""):
                    found.add(record.partition or 0, first, last)
        return found


class Queue:
    def __init__(self, *letters: DeadLetter) -> None:
        self._letters = letters

    async def letters(
        self, selection: Selection, on_read: Callable[[int], None]
    ) -> AsyncIterator[DeadLetter]:
        for one in self._letters:
            yield one

    async def partitions_now(self, topics: Iterable[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 4)


def run_of(queue: Queue, broker: Broker | None, replayed: Replayed | None = None) -> Replay:
    publish = None if broker is None else broker.publish
    topics = SourceTopics(TopicNames(), (broker or Broker()).publish)
    return Replay(cast(DeadLetterQueue, queue), replayed or Replayed(), topics, publish)


def test_a_record_goes_back_as_it_was() -> None:
    first = again(letter(7, partition=3), 4)
    assert (first.topic, first.key, first.value, first.partition) == ("wechat.pay", b"k", b"v7", 3)
    assert first.headers == (
        ("trace", b"\xff"),
        ("trace", b"2"),
        (REPLAY_OF, f"{DEAD}-3@7".encode()),
    )
    failed_again = replace(letter(9), key=None, value=None, headers=first.headers)
    second = again(failed_again, 4)
    assert (second.key, second.value) == (None, None)
    assert [v for n, v in second.headers if n == REPLAY_OF] == [f"{DEAD}-0@9".encode()]


def test_receipts_stand_in_the_partition_of_their_letters() -> None:
    places = [Place(DEAD, p, o) for p, o in ((1, 5), (1, 4), (0, 9), (1, 7), (1, 6), (1, 2))]
    found = {record.partition: record.value for record in receipts(places)}
    assert found == {1: b"2,4-7", 0: b"9"}
    keys = [record.key or b"" for record in receipts(places) + receipts(places)]
    assert all(key.startswith(b"receipt-") for key in keys)
    assert len(set(keys)) == 4


async def test_a_letter_goes_back_once() -> None:
    broker, queue = Broker(), Queue(*map(letter, range(5)))
    first = await run_of(queue, broker).run(Selection(), limit=3)
    second = await run_of(queue, broker, broker.replayed).run(Selection())
    third = await run_of(queue, broker, broker.replayed).run(Selection())
    assert (first.replayed, first.already) == (3, 0)
    assert (second.replayed, second.already) == (2, 3)
    assert (third.replayed, third.already) == (0, 5)
    assert broker.values == [b"v0", b"v1", b"v2", b"v3", b"v4"]


async def test_a_trial_publishes_nothing() -> None:
    counts = await run_of(Queue(letter(0), letter(1)), None).run(Selection())
    assert (counts.replayed, counts.reasons) == (2, {"unknown_app": 2})


@pytest.mark.parametrize(
    "stranger",
    [
        letter(0, topic="shadow.ledger"),
        letter(0, topic="shadow.resolved"),
        replace(letter(0), original=None),
    ],
)
async def test_only_source_topics_get_anything_back(stranger: DeadLetter) -> None:
    broker = Broker()
    counts = await run_of(Queue(stranger), broker).run(Selection())
    assert (counts.foreign, counts.replayed, broker.records) == (1, 0, [])


async def test_what_was_erased_meanwhile_stays_where_it_is() -> None:
    replayed, erased = Replayed(), replace(letter(3), own_key=b"wechat.pay-0@53")
    replayed.add_tombstone(0, b"wechat.pay-0@53", 9)
    later, other = replace(erased, place=Place(DEAD, 0, 10)), replace(letter(4), own_key=b"x")
    broker = Broker()
    counts = await run_of(Queue(erased, other, later), broker, replayed).run(Selection())
    assert (counts.erased, counts.replayed) == (1, 2)
    assert broker.values == [b"v4", b"v3"]


def test_where_a_topic_has_fewer_partitions_by_now_the_key_decides() -> None:
    assert again(letter(7, partition=4), 4).partition is None


async def test_what_the_broker_refuses_is_reported_and_the_rest_goes_back() -> None:
    broker, queue = Broker(b"v1"), Queue(*map(letter, range(3)))
    counts = await run_of(queue, broker).run(Selection())
    assert (counts.replayed, counts.refused) == (2, 1)
    assert broker.values == [b"v0", b"v2"]
    assert Place(DEAD, 0, 1) not in broker.replayed


async def test_receipts_follow_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_LETTERS_MAX", 2)
    broker = Broker()
    await run_of(Queue(*map(letter, range(5))), broker).run(Selection())
    first, *rest = [r.topic == DEAD for r in broker.records]
    assert first
    assert rest == [False, False, True] * 2 + [False, True]


async def test_who_may_not_write_receipts_replays_nothing() -> None:
    class NoReceipts(Broker):
        async def publish(self, records: Sequence[Record]) -> None:
            if any(record.topic == DEAD for record in records):
                raise TopicAuthorizationFailedError
            await super().publish(records)

    broker = NoReceipts()
    with pytest.raises(TopicAuthorizationFailedError):
        await run_of(Queue(letter(0)), broker).run(Selection())
    assert broker.records == []
