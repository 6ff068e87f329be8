# SPDX-License-Identifier: Apache-2.0
"""Events as lines of an export, and replays of them in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from schemas import CONTRACTS, Event, encode_data, format_time
from stream.demo.wire import SourceRecord
from stream.engine.storage.codec import dump_entity
from stream.replay.event_reader import ReplayPlan
from stream.replay.report import Report
from stream.replay.run import ReplayProcess, run
from stream.worker.in_process import LocalEngine


class Inline:
    """A pool in this process: one call after the other."""

    def __init__(self, plan: ReplayPlan, directory: Path, shards: int) -> None:
        self.members = [ReplayProcess(n, shards, plan, directory) for n in range(shards)]
        self.size = shards

    def call_all(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        asked = zip(self.members, arguments, strict=True)
        return [getattr(member, method)(*args) for member, args in asked]

    def call_any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        for number, args in enumerate(jobs):
            yield getattr(self.members[number % self.size], method)(*args)


def replayed(
    lines: Iterable[bytes], plan: ReplayPlan, *, shards: int = 1
) -> tuple[Report, Mapping[str, bytes], list[bytes]]:
    """The report, all entities, and the balances of a replay; each shard reads some files."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        every = list(lines)
        paths = [directory / f"{n}.jsonl" for n in range(shards)]
        for number, path in enumerate(paths):
            path.write_bytes(b"\n".join(every[number::shards]))
        pool = Inline(plan, directory, shards)
        report, parts = run(pool, paths, plan, True)
        found = {k: v for member in pool.members for k, v in member.shard.entities.items()}
        balances = sorted(line for part in parts for line in part.read_bytes().splitlines())
    return report, {key: dump_entity(entity) for key, entity in found.items()}, balances


def structured(event: Event) -> bytes:
    """As ``kcat -C`` prints a structured record."""
    attributes = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    document = {**attributes, "time": format_time(event.time)}
    return orjson.dumps({**document, "data": orjson.loads(encode_data(event.data))})


def wrapped(record: SourceRecord) -> bytes:
    """As ``kcat -C -J`` prints any record."""
    names = [text for name, value in record.headers for text in (name, value.decode())]
    return wrap(record.topic, record.value.decode(), record.time_ms, names)


def wrap(topic: str, payload: str | None, ts: int, headers: Sequence[str] = ()) -> bytes:
    position = {"topic": topic, "partition": 0, "offset": 7, "tstype": "create", "ts": ts}
    return orjson.dumps(
        {**position, "broker": 0, "headers": headers, "key": None, "payload": payload}
    )


def publish(local: LocalEngine, event: Event, at: int) -> None:
    topic = CONTRACTS[event.type].topics[0]
    local.publish(topic, event.id.encode(), structured(event), timestamp_ms=at)
