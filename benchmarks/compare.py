# SPDX-License-Identifier: Apache-2.0
"""The job by all four, side by side in one go.

    python -m benchmarks.compare [--events N] [--consumers M] [--peers plain,quix,faust] ...

Writes ``benchmarks/report/compare.json``. A time is only reported for a result which equals the
reference's, consumer by consumer: the final balance and the points of the live offer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.kept import REPORT, write
from benchmarks.machines import Machines, started
from benchmarks.measure import Load, Measurement, load_of, measure


def compare(
    machines: Machines, names: list[str], load: Load, partitions: int, rounds: int = 1
) -> Iterator[Measurement]:
    """``rounds`` measurements of each, in turn."""
    for _ in range(rounds):
        for name in names:
            contender = CONTENDERS[name](machines, partitions)
            try:
                found = measure(contender, load)
            finally:
                contender.close()
            print(line(found), flush=True)
            yield found


def line(m: Measurement) -> str:
    """A measurement for people."""
    cpu = "  ".join(f"{name} {us:6.1f}" for name, us in m.cpu_us.items())
    return f"{m.name:13}{m.events_per_s:9,.0f} events/s   us CPU per event: {cpu}"


def main(arguments: list[str], folder: Path = REPORT) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--consumers", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--peers", default="plain,quix,faust", help="beside shadowpoints")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args(arguments)
    names = ["shadowpoints", *filter(None, a.peers.split(","))]
    load = load_of(a.events, a.consumers, a.seed)
    done = []
    with started() as machines:
        for found in compare(machines, names, load, a.partitions, a.rounds):
            done.append(found.as_json())
            # At once: the next may take half an hour.
            write(folder, "compare", arguments, done)


if __name__ == "__main__":
    main(sys.argv[1:])
