# SPDX-License-Identifier: Apache-2.0
"""One measurement: a contender does the job on events which wait for it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.events import Event, Record, Stream, encode, today_ms
from benchmarks.machines import cpu_s
from benchmarks.outcome import check, outcome_of
from benchmarks.publish import publish
from benchmarks.reference import Reference
from benchmarks.stages import STAGES

#: Even the slowest does so many a second.
_SLOWEST = 100
#: So long nothing happens, to see what the servers use then.
_IDLE_S = 2.0
#: Until they use less than that share of a core, they are at work on what came before.
_IDLE_SHARE = 0.1
_SETTLED_WITHIN_S = 120


@dataclass(frozen=True)
class Measurement:
    """CPU times in µs per event: by process, and of the worker by stage of the job."""

    name: str
    events: int
    consumers: int
    partitions: int
    workers: int
    seconds: float
    events_per_s: float
    cpu_us: dict[str, float]
    stages_us: dict[str, float]
    entries: int
    offers: int

    @property
    def total_us(self) -> float:
        """Of all processes together."""
        return sum(self.cpu_us.values())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Load:
    """``before`` events warm up and are not measured; ``bound``: all binds come before them."""

    events: int
    consumers: int
    before: int
    end_ms: int
    seed: int = 1
    bound: bool = False
    in_turn: bool = False  # the warm-up meets each consumer as often as every other

    def stream(self) -> Stream:
        total = self.before + self.events + (2 * self.consumers if self.bound else 0)
        return Stream(consumers=self.consumers, total=total, end_ms=self.end_ms, seed=self.seed)


def load_of(events: int, consumers: int, seed: int = 1) -> Load:
    """With a tenth more to warm up, 2,000 at least and 20,000 at most."""
    before = max(2_000, min(20_000, events // 10))
    return Load(events, consumers, before, today_ms(int(time.time() * 1000)), seed)


def measure(contender: Contender, load: Load, *, workers: int = 1) -> Measurement:
    """Deploy, measure; the caller closes the contender.

    Raises ``Different`` if the result is wrong, ``RuntimeError`` if a worker ends or hangs.

    The workers start, warm up and come to rest; they are stopped (SIGSTOP) while the events are
    published and go on when all are there. So neither their start nor the producer is measured.
    Nor is what the servers use in as long a time while nothing happens: a broker's 50 ms a second
    would else be charged to the events of whoever is slow.
    """
    reference = Reference()
    stream = load.stream()
    contender.prepare()
    contender.start(workers)
    _feed(contender, reference, _before(load, stream))
    contender.wait(60 + load.before / _SLOWEST)
    contender.freeze()
    _feed(contender, reference, stream.touches(load.events))
    _settle(contender)
    idle = _cpu(contender)
    time.sleep(_IDLE_S)
    before = _cpu(contender)
    started_ms = time.time() * 1000
    contender.go_on()
    contender.wait(60 + load.events / _SLOWEST, every_s=1.0)  # each look costs the broker, too
    spent = _cpu(contender)
    lasted_s = time.time() - started_ms / 1000
    stages = _stages(contender)
    found = outcome_of(contender)
    check(found, reference)
    seconds = (found.last_ms - started_ms) / 1000
    us = {}
    for name in spent:
        idling_s = (before[name] - idle[name]) / _IDLE_S * lasted_s
        us[name] = max(0.0, spent[name] - before[name] - idling_s) / load.events * 1e6
    sampled = sum(stages.values())
    return Measurement(
        name=contender.name,
        events=load.events,
        consumers=load.consumers,
        partitions=contender.partitions,
        workers=workers,
        seconds=seconds,
        events_per_s=load.events / seconds,
        cpu_us=us,
        stages_us={name: us["worker"] * stages[name] / max(1, sampled) for name in STAGES},
        entries=found.entries,
        offers=found.told,
    )


def _before(load: Load, stream: Stream) -> Iterator[Event]:
    if load.bound:
        yield from stream.binds()
    yield from stream.touches(load.before, in_turn=load.in_turn)


def _feed(contender: Contender, reference: Reference, events: Iterable[Event]) -> None:
    publish(contender.machines.bootstrap, contender.prefix, _noted(events, reference))


def _noted(events: Iterable[Event], reference: Reference) -> Iterator[Record]:
    for event in events:
        reference.add(event)
        yield encode(event)


def _cpu(contender: Contender) -> dict[str, float]:
    machines = contender.machines
    return {
        "worker": sum(cpu_s(worker.pid) for worker in contender.workers),
        "redis": cpu_s(machines.redis.pid),
        "broker": cpu_s(machines.kafka.pid),
    }


def _settle(contender: Contender) -> None:
    """Wait until the servers are idle: after a million events a broker has some cleaning to do."""
    for _ in range(_SETTLED_WITHIN_S):
        before = _cpu(contender)
        time.sleep(1.0)
        now = _cpu(contender)
        if max(now[name] - before[name] for name in ("redis", "broker")) < _IDLE_SHARE:
            return


def _stages(contender: Contender) -> Counter[str]:
    counts: Counter[str] = Counter()
    for worker in contender.workers:
        counts.update(json.loads(worker.stages().read_text()))
    return counts
