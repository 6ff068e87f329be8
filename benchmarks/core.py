# SPDX-License-Identifier: Apache-2.0
"""The core alone, without servers: µs of CPU per event by step, and bytes per consumer.

    python -m benchmarks.core [EVENTS] [CONSUMERS] [BEFORE] [--profile STEP]

The stream of ``benchmarks.events`` in runs, as a worker handles it: each record decoded and routed,
each message encoded and decoded, each entity of a run loaded once, decided on and dumped once.
``BEFORE`` is how many touchpoints each consumer has had by then. State is a dictionary of bytes.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.events import Event, Record, Stream, encode, today_ms
from benchmarks.reference import Reference
from schemas import decode
from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.engine.audit.verify import account_of
from stream.engine.decide import decide
from stream.engine.intake.event_to_messages import route
from stream.engine.model.decision import Decision, Entity, Publish, Send
from stream.engine.model.messages import Message
from stream.engine.model.messages import decode as decode_message
from stream.engine.model.messages import encode as encode_message
from stream.engine.model.state import Origin
from stream.engine.model.time_checks import Rejected
from stream.engine.storage.codec import dump_entity, load_entity
from stream.kafka.encode import event_record, sequence_of
from stream.rules.loader import load_rules

RUN = 500
_ROOT = Path(__file__).parents[1]
#: In the order in which an event goes through them.
STEPS = ("decode", "route", "encode", "read", "load", "decide", "dump", "emit")


class Core:
    """All entities, and the CPU time which each step took."""

    def __init__(self, profiled: str = "") -> None:
        self.stored: dict[str, bytes] = {}
        self.spent: Counter[str] = Counter()
        self.outputs = self.messages = 0
        self.profile = cProfile.Profile()
        self._profiled = profiled
        self._book = load_rules(_ROOT / "benchmarks/rules.yaml")
        self._directory = load_apps(_ROOT / "stream/brand/apps.yaml")
        self._names = TopicNames()
        self._log: deque[bytes] = deque()

    def run(self, records: list[tuple[Record, int]]) -> None:
        """Apply a run of source records, and all that follows from it."""
        with self._step("decode"):
            events = [decode(value, headers, topic) for (topic, _, value, headers), _ in records]
        with self._step("route"):
            reader, horizons = self._reader, self._book.horizons
            now = records[-1][1]
            routed = [route(e, reader, self._directory, horizons, e.time_ms, now) for e in events]
        sends = [send for found in routed if not isinstance(found, Rejected) for send in found]
        assert len(sends) >= len(records)
        self._append(sends)
        while self._log:
            self._reward([self._log.popleft() for _ in range(min(len(self._log), RUN))], now)

    def balances(self) -> dict[str, int]:
        """By consumer, without those that are 0."""
        found = {}
        for key, value in self.stored.items():
            account = account_of(load_entity(key, value))
            if account is not None and account.posted.balance:
                found[key] = account.posted.balance
        return found

    def _reader(self, key: str) -> Origin | None:
        value = self.stored.get(key)
        if value is None:
            return None
        entity = load_entity(key, value)
        return entity if isinstance(entity, Origin) else None

    def _append(self, sends: list[Send]) -> None:
        with self._step("encode"):
            self._log.extend([encode_message(send.to, send.message) for send in sends])
        self.messages += len(sends)

    def _reward(self, values: list[bytes], as_of: int) -> None:
        with self._step("read"):
            messages = [decode_message(value) for value in values]
        stored = self.stored
        with self._step("load"):
            entities = {
                key: load_entity(key, stored[key]) if key in stored else None for key, _ in messages
            }
        with self._step("decide"):
            decisions, changed = self._decide(messages, entities, as_of)
        with self._step("dump"):
            for key in changed:
                entity = entities[key]
                assert entity is not None
                stored[key] = dump_entity(entity)
        sends: list[Send] = []
        with self._step("emit"):
            sequence = sequence_of(0, 0)
            record = partial(
                event_record, names=self._names, source="urn:b", partitions=8, sequence=sequence
            )
            for decision in decisions:
                for output in decision.outputs:
                    if isinstance(output, Publish):
                        record(output)
                        self.outputs += 1
                    else:
                        sends.append(output)
        self._append(sends)

    def _decide(
        self, messages: list[tuple[str, Message]], entities: dict[str, Entity | None], as_of: int
    ) -> tuple[list[Decision], dict[str, None]]:
        decisions, changed = [], dict[str, None]()
        for key, message in messages:
            decision = decide(key, entities[key], message, self._book, as_of)
            if decision.changed:
                entities[key] = decision.state
                changed[key] = None
            decisions.append(decision)
        return decisions, changed

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        if name == self._profiled:
            self.profile.enable()
        begun = time.process_time()
        yield
        self.spent[name] += time.process_time() - begun  # type: ignore[assignment]
        self.profile.disable()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.core")
    parser.add_argument("events", type=int, nargs="?", default=50_000)
    parser.add_argument("consumers", type=int, nargs="?", default=5_000)
    parser.add_argument("before", type=int, nargs="?", default=3, help="touchpoints of each")
    parser.add_argument("--profile", default="", choices=("", *STEPS), help="look into one step")
    a = parser.parse_args()
    total = a.consumers * (a.before + 2) + a.events
    stream = Stream(consumers=a.consumers, total=total, end_ms=today_ms(int(time.time() * 1000)))
    core, reference = Core(a.profile), Reference()
    prepared = [*stream.binds(), *stream.touches(a.before * a.consumers, in_turn=True)]
    _feed(core, reference, prepared)
    gc.freeze()
    gc.set_threshold(50_000)
    core.spent.clear()
    core.outputs = core.messages = 0
    core.profile = cProfile.Profile()
    _feed(core, reference, list(stream.touches(a.events)))
    assert core.balances() == reference.result()[0]
    _tell(core, a.events, a.consumers)
    if a.profile:
        pstats.Stats(core.profile).sort_stats("tottime").print_stats(35)


def _feed(core: Core, reference: Reference, events: list[Event]) -> None:
    for start in range(0, len(events), RUN):
        run = events[start : start + RUN]
        for event in run:
            reference.add(event)
        core.run([(encode(event), event.time_ms) for event in run])


def _tell(core: Core, events: int, consumers: int) -> None:
    for step in STEPS:
        print(f"{step:8} {core.spent[step] * 1e6 / events:7.2f} µs")
    print(f"in all   {core.spent.total() * 1e6 / events:7.2f} µs of CPU per event")
    print(f"{core.messages / events:.2f} messages, {core.outputs / events:.2f} outputs per event")
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for key, value in core.stored.items():
        kind = key.partition(".")[0]
        sizes[kind] += len(value)
        counts[kind] += 1
    kinds = ", ".join(
        f"{kind} {size / consumers:.0f} in {counts[kind] / consumers:.2f}"
        for kind, size in sorted(sizes.items())
    )
    print(f"{sizes.total() / consumers:.0f} bytes of values per consumer: {kinds}")


if __name__ == "__main__":
    main()
