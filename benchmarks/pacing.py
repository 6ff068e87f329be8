# SPDX-License-Identifier: Apache-2.0
"""Events at a steady rate, and how long after each the offer which it causes is there."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson
from confluent_kafka import Consumer, Message, TopicPartition

from benchmarks.contenders import Contender
from benchmarks.events import Event, Record, consumer_of, encode
from benchmarks.publish import producer, send
from benchmarks.reference import THRESHOLD, Reference

_TICK_S: Final = 0.001
_LEAD_S: Final = 0.2


@dataclass
class Paced:
    """Latencies in ms, ascending. ``late_ms``: how far the producer fell behind its timetable."""

    latencies_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    late_ms: float = 0.0

    def percentile(self, share: float) -> float:
        """The latency which this share of the probes did not exceed; ms."""
        found = self.latencies_ms
        return found[min(len(found) - 1, int(len(found) * share))] if found else float("nan")


class Observer:
    """Reads the offers as a CRM would.

    A probe is an event after which the consumer's balance is a new one at or above the threshold,
    so that an offer of at least so many points must follow; without refunds balances only rise.
    The clock starts when the event was due to be published, be its producer late or not.
    """

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._waiting: dict[str, deque[tuple[int, float]]] = defaultdict(deque)
        self._found: list[float] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._observe, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Observer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def expect(self, who: str, points: int, due_s: float) -> None:
        """A probe is about to be published."""
        with self._lock:
            self._waiting[who].append((points, due_s))

    def take(self) -> tuple[list[float], int]:
        """The latencies since the last call, and how many probes are still unanswered."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            found, self._found = self._found, []
            return sorted(found), sum(map(len, self._waiting.values()))

    def _observe(self) -> None:
        try:
            self._read()
        except Exception as error:
            self._failure = error

    def _read(self) -> None:
        contender = self._contender
        ends = contender.machines.ends([contender.offers], contender.partitions)
        consumer = Consumer(
            {
                "bootstrap.servers": contender.machines.bootstrap,
                "group.id": "benchmark-observer",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(topic, p, end) for (topic, p), end in ends.items()])
        try:
            while not self._over.is_set():
                messages = consumer.consume(500, timeout=0.005)
                now = time.time()
                for message in messages:
                    self._answer(message, now)
        finally:
            consumer.close()

    def _answer(self, message: Message, now: float) -> None:
        value = message.value()
        if message.error() or not isinstance(value, bytes):
            raise RuntimeError(str(message.error()))
        offer = orjson.loads(value)
        with self._lock:
            waiting = self._waiting.get(offer["consumer_id"])
            while waiting and waiting[0][0] <= offer.get("points", -1):
                self._found.append((now - waiting.popleft()[1]) * 1000)


def run(
    contender: Contender,
    observer: Observer,
    reference: Reference,
    events: Iterable[Event],
    per_second: float,
    warming: int = 0,
) -> Paced:
    """Publish at a rate, wait until all has been dealt with; the first ``warming`` do not count.

    For its first seconds at a rate which it has not met yet, the broker uses more than a core to
    compile its code for it.
    """
    timetable = [_prepared(event, reference) for event in events]
    out = producer(contender.machines.bootstrap, linger_ms=0)
    paced = Paced()
    start, done = time.time() + _LEAD_S, 0
    while done < len(timetable):
        now = time.time()
        due = min(len(timetable), int((now - start) * per_second) + 1)
        for number in range(done, due):
            due_s = start + number / per_second
            (topic, key, value, headers), probe = timetable[number]
            if probe is not None and number >= warming:
                observer.expect(*probe, due_s)
            send(out, contender.prefix + topic, key, value, headers)
            if number >= warming:
                paced.late_ms = max(paced.late_ms, (time.time() - due_s) * 1000)
        done = max(done, due)
        out.poll(0)
        time.sleep(_TICK_S)
    if out.flush(60):
        raise RuntimeError("the broker does not take what is published")
    contender.wait(60 + len(timetable) / 100, every_s=0.5)
    time.sleep(0.2)
    paced.latencies_ms, paced.unanswered = observer.take()
    return paced


def _prepared(event: Event, reference: Reference) -> tuple[Record, tuple[str, int] | None]:
    changed = reference.add(event)
    if changed is None or changed[1] < THRESHOLD:
        return encode(event), None
    return encode(event), (consumer_of(changed[0]), changed[1])
