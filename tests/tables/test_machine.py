# SPDX-License-Identifier: Apache-2.0
"""Redis and memory side by side under generated histories of two workers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from stream.tables import (
    NOTHING_APPLIED,
    Claim,
    Commit,
    Committed,
    MemoryTables,
    Record,
    Tables,
    Write,
)
from stream.tables.redis import RedisTables

PARTITIONS = 2
WORKERS = 2
EVER_MS = 2**53 - 1

T = TypeVar("T")

workers = st.integers(0, WORKERS - 1)
partitions = st.integers(0, PARTITIONS - 1)
some_partitions = st.lists(partitions, unique=True, min_size=1)
keys = st.sampled_from(["a", "B", "aa", "tx.1", "é"])
a_write = st.builds(
    Write,
    value=st.none() | st.binary(max_size=4),
    due_ms=st.none() | st.integers(0, 5) | st.integers(0, 2**45),
    ttl_s=st.none() | st.integers(1_000, 100_000),
)
writes = st.dictionaries(keys, a_write, max_size=4)
short = st.binary(max_size=3)
record = st.builds(
    Record,
    topic=st.sampled_from(["shadow.offers", "shadow.ledger"]),
    key=short,
    value=short,
    headers=st.lists(st.tuples(st.text(max_size=3), short), max_size=2).map(tuple),
    partition=st.none() | st.integers(0, 3),
)
outputs = st.lists(record, max_size=3)
counts = st.dictionaries(st.sampled_from(["applied", "late"]), st.integers(-5, 5), max_size=2)


class Machine(RuleBasedStateMachine):
    """Each worker claims and commits as it likes; both stores must answer the same.

    Epochs alone are not compared: only their order is part of the interface.
    """

    redis_url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        namespace = f"test-{uuid.uuid4().hex[:12]}"
        memory = MemoryTables(PARTITIONS)
        self.workers: list[tuple[Tables, RedisTables]] = [
            (memory, RedisTables(self.redis_url, namespace, PARTITIONS)) for _ in range(WORKERS)
        ]
        self.client: Any = Redis.from_url(self.redis_url)
        # What each worker knows of a partition: its epochs in both stores, the applied offset.
        self.known: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.next_output: dict[int, int] = {}
        self.last: list[tuple[list[Commit], list[Commit]] | None] = [None] * WORKERS

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def both(self, worker: int, method: str, *args: Any) -> Any:
        memory, redis = self.workers[worker]
        expected = self.run(getattr(memory, method)(*args))
        assert self.run(getattr(redis, method)(*args)) == expected
        return expected

    @initialize()
    def open(self) -> None:
        for _, redis in self.workers:
            self.run(redis.open())

    @rule(worker=workers, wanted=some_partitions, generation=st.integers(1, 4))
    def claim(self, worker: int, wanted: list[int], generation: int) -> None:
        memory, redis = self.workers[worker]
        expected = self.run(memory.claim(wanted, generation, f"worker-{worker}"))
        answered = self.run(redis.claim(wanted, generation, f"worker-{worker}"))
        assert _without_epochs(answered) == _without_epochs(expected)
        for partition, claim in expected.items():
            epoch = answered[partition].epoch
            assert all(
                epoch > other for (_, p), (_, other, _) in self.known.items() if p == partition
            )
            self.known[worker, partition] = (claim.epoch, epoch, claim.applied_offset)
            self.next_output[partition] = claim.pending_from + len(claim.pending)

    @rule(
        worker=workers,
        wanted=some_partitions,
        forward=st.integers(0, 3),
        published=st.integers(-3, 1),
        wrong=st.sampled_from([0, 0, 0, 0, -1, 2]),
        what=st.tuples(writes, outputs, counts),
    )
    def commit(
        self,
        worker: int,
        wanted: list[int],
        forward: int,
        published: int,
        wrong: int,
        what: tuple[dict[str, Write], list[Record], dict[str, int]],
    ) -> None:
        calls: tuple[list[Commit], list[Commit]] = ([], [])
        for partition in wanted:
            *epochs, applied = self.known.get((worker, partition), (0, 0, NOTHING_APPLIED))
            before = applied + wrong
            for call, epoch in zip(calls, epochs, strict=True):
                published_before = max(0, self.next_output.get(partition, 0) + published)
                step = (partition, epoch, before, before + forward, max(0, before) * 10)
                call.append(Commit(*step, *what[:2], published_before, what[2]))
        self._commit(worker, calls)
        self.last[worker] = calls

    @rule(worker=workers)
    def commit_the_same_again(self, worker: int) -> None:
        if (calls := self.last[worker]) is not None:
            self._commit(worker, calls)

    def _commit(self, worker: int, calls: tuple[list[Commit], list[Commit]]) -> None:
        memory, redis = self.workers[worker]
        expected = self.run(memory.commit(calls[0]))
        assert self.run(redis.commit(calls[1])) == expected
        for commit, answer in zip(calls[0], expected, strict=True):
            known = self.known.get((worker, commit.partition))
            if known is not None and isinstance(answer, Committed):
                self.known[worker, commit.partition] = (*known[:2], commit.applied_offset)
                self.next_output[commit.partition] = answer.pending_from + len(commit.outputs)

    @rule(worker=workers, wanted=st.dictionaries(partitions, st.lists(keys, max_size=5)))
    def load(self, worker: int, wanted: dict[int, list[str]]) -> None:
        self.both(worker, "load", wanted)

    @rule(
        worker=workers,
        partition=partitions,
        now_ms=st.integers(0, 6) | st.just(EVER_MS),
        limit=st.integers(0, 6),
    )
    def due(self, worker: int, partition: int, now_ms: int, limit: int) -> None:
        self.both(worker, "due", partition, now_ms, limit)

    @rule()
    def forget_the_scripts(self) -> None:
        self.run(self.client.script_flush())

    @rule(worker=workers)
    def reconnect(self, worker: int) -> None:
        self.run(self.workers[worker][1].close())
        self.run(self.workers[worker][1].open())

    @invariant()
    def same_counts(self) -> None:
        self.both(0, "counts", range(PARTITIONS))
        self.both(0, "next_due", range(PARTITIONS))

    def teardown(self) -> None:
        for partition in range(PARTITIONS):
            self.both(0, "entities", partition)
            self.both(0, "due", partition, EVER_MS, 100)
        self.claim(0, list(range(PARTITIONS)), 1_000)  # what is pending at the end
        for _, redis in self.workers:
            self.run(redis.close())
        self.run(self.client.aclose())
        self.runner.close()


def _without_epochs(claims: dict[int, Claim]) -> dict[int, tuple[Any, ...]]:
    return {
        partition: (claim.applied_offset, claim.clock_ms, claim.pending_from, claim.pending)
        for partition, claim in claims.items()
    }


@pytest.mark.integration
def test_redis_and_memory_answer_the_same(redis_url: str) -> None:
    machine = type("RedisAndMemory", (Machine,), {"redis_url": redis_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            phases=[Phase.generate],  # shrinking takes minutes: ask for it when one has failed
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
