"""Events as lines of an export, and replays of them in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from schemas import CONTRACTS, Event, encode_data, format_time
from stream.demo.wire import SourceRecord
from stream.engine.codec import dump_entity
from stream.local import LocalEngine
from stream.replay.intake import Plan
from stream.replay.report import Report
from stream.replay.run import Member, run


class Inline:
    """Members in this process, asked one after the other."""

    def __init__(self, plan: Plan, directory: Path, shares: int) -> None:
        self.members = [Member(n, shares, plan, directory) for n in range(shares)]
        self.size = shares

    def each(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        asked = zip(self.members, arguments, strict=True)
        return [getattr(member, method)(*args) for member, args in asked]

    def any(self, method: str, jobs: Iterable[Sequence[Any]]) -> Iterator[Any]:
        for number, args in enumerate(jobs):
            yield getattr(self.members[number % self.size], method)(*args)


def replayed(
    lines: Iterable[bytes], plan: Plan, *, shares: int = 1
) -> tuple[Report, Mapping[str, bytes], list[bytes]]:
    """The report, all entities, and the balances of a replay; each share reads some files."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        every = list(lines)
        paths = [directory / f"{n}.jsonl" for n in range(shares)]
        for number, path in enumerate(paths):
            path.write_bytes(b"\n".join(every[number::shares]))
        team = Inline(plan, directory, shares)
        report, parts = run(team, paths, plan, True)
        found = {k: v for member in team.members for k, v in member.share.entities.items()}
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
    place = {"topic": topic, "partition": 0, "offset": 7, "tstype": "create", "ts": ts}
    return orjson.dumps({**place, "broker": 0, "headers": headers, "key": None, "payload": payload})


def publish(local: LocalEngine, event: Event, at: int) -> None:
    topic = CONTRACTS[event.type].topics[0]
    local.publish(topic, event.id.encode(), structured(event), timestamp_ms=at)
