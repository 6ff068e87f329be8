# SPDX-License-Identifier: Apache-2.0
"""How shadowpoints grows: bytes per consumer, and cost by consumers, partitions and workers.

    python -m benchmarks.growth [--touchpoints 5,20,100] [--consumers 10000,100000,1000000] ...

Writes ``benchmarks/report/growth.json``. An empty list (``--partitions=``) leaves a part out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.compare import line
from benchmarks.contenders import Shadowpoints
from benchmarks.events import Stream, encode, today_ms
from benchmarks.kept import REPORT, write
from benchmarks.machines import Machines, started
from benchmarks.measure import Load, Measurement, load_of, measure
from benchmarks.memory import Memory, per_consumer, used
from benchmarks.publish import publish

PARTITIONS: Final = 8


def measured(
    machines: Machines, load: Load, partitions: int = PARTITIONS, workers: int = 1
) -> Measurement:
    """One measurement of shadowpoints, told and cleared away."""
    contender = Shadowpoints(machines, partitions)
    try:
        found = measure(contender, load, workers=workers)
        counts = f"{found.consumers:10,} consumers {partitions:3} partitions {workers} worker"
        print(f"{counts}  {line(found)}", flush=True)
        return found
    finally:
        contender.close()


def by_consumers(
    machines: Machines, counts: list[int], events: int, met: int
) -> Iterator[Measurement]:
    """The same events over more consumers, each of whom has been met so many times before."""
    end_ms = today_ms(int(time.time() * 1000))
    for count in counts:
        yield measured(machines, Load(events, count, met * count, end_ms, in_turn=True))


def memory(machines: Machines, touchpoints: int, consumers: int) -> Memory:
    """``consumers`` with exactly so many touchpoints each."""
    contender = Shadowpoints(machines, PARTITIONS)
    url = machines.redis_url(contender.database)
    count = touchpoints * consumers
    stream = Stream(
        consumers=consumers,
        total=count,
        end_ms=today_ms(int(time.time() * 1000)),
        refunds=False,
    )
    try:
        contender.prepare()
        before = used(url)
        contender.start()
        events = stream.touches(count, in_turn=True)
        publish(machines.bootstrap, contender.prefix, map(encode, events))
        contender.wait(60 + count / 100)
        time.sleep(12)  # two ticks, after which no published output is pending
        found = per_consumer(url, touchpoints, consumers, before)
    finally:
        contender.close()
    kinds = "  ".join(f"{kind} {size:.0f}" for kind, size in found.by_kind.items())
    print(f"{touchpoints:4} touchpoints: {found.beyond:6.0f} bytes  ({kinds}) ", end="")
    print(f"in {found.keys:.1f} keys, {found.whole:.0f} in all", flush=True)
    return found


def main(arguments: list[str], folder: Path = REPORT) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--touchpoints", type=_numbers, default="5,20,100")
    parser.add_argument("--of", type=int, default=1000, help="consumers to measure bytes with")
    parser.add_argument("--consumers", type=_numbers, default="10000,100000,1000000")
    parser.add_argument("--met", type=int, default=3, help="touchpoints of each of them before")
    parser.add_argument("--partitions", type=_numbers, default="1,4,16,64")
    parser.add_argument("--workers", type=_numbers, default="1,2")
    parser.add_argument("--events", type=int, default=100_000, help="in each measurement")
    a = parser.parse_args(arguments)
    load = load_of(a.events, max(100, a.events // 10))
    found: dict[str, list[Any]] = {"memory": [], "consumers": [], "partitions": [], "workers": []}

    def keep(part: str, result: dict[str, Any]) -> None:
        found[part].append(result)
        write(folder, "growth", arguments, found)  # at once: the next may take half an hour

    with started() as machines:
        for count in a.touchpoints:
            keep("memory", asdict(memory(machines, count, a.of)))
        for partitions in a.partitions:
            keep("partitions", measured(machines, load, partitions).as_json())
        for workers in a.workers:
            keep("workers", measured(machines, load, workers=workers).as_json())
        for measurement in by_consumers(machines, a.consumers, a.events, a.met):
            keep("consumers", measurement.as_json())


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


if __name__ == "__main__":
    main(sys.argv[1:])
