# SPDX-License-Identifier: Apache-2.0
"""What is aimed at, and whether the numbers reach it.

    python -m benchmarks.targets [FOLDER]

CPU is that of all processes: worker, Redis and broker. A state inside of the worker, as Quix has
it, and one in Redis are else not comparable. The worker's alone is told, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.kept import REPORT, read

#: A target is for so many; what more of them cost is in the table.
_CONSUMERS: Final = 1_000_000


@dataclass(frozen=True)
class Target:
    """``found`` must be at least, or at most, ``aim``."""

    name: str
    found: float
    aim: float
    at_least: bool = False
    unit: str = "x"
    note: str = ""

    @property
    def met(self) -> bool:
        return self.found >= self.aim if self.at_least else self.found <= self.aim

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        aim = f"{sign} {self.aim:g} {self.unit}"
        verdict = "met" if self.met else "short"
        return f"{self.name:52}{self.found:9.2f} {self.unit:6}{aim:14}{verdict:7}{self.note}"


def targets(folder: Path) -> list[Target]:
    """All for which there are numbers."""
    return [*_cpu(folder), *_latency(folder), *_growth(folder)]


def cpu_us(results: list[dict[str, Any]], name: str, process: str = "") -> float:
    """CPU per event: the median of the rounds, of all processes or of one."""
    rounds: list[dict[str, float]] = [m["cpu_us"] for m in results if m["name"] == name]
    return median(us[process] if process else sum(us.values()) for us in rounds)


def _cpu(folder: Path) -> Iterator[Target]:
    if (document := read(folder, "compare")) is None:
        return
    results = document["results"]
    here = {m["name"] for m in results}
    for name, aim, text in (
        ("faust", 20, "CPU per event, stock Faust agents / shadowpoints"),
        ("quix", 2, "CPU per event, Quix Streams / shadowpoints"),
    ):
        if name in here:
            ratio = cpu_us(results, name) / cpu_us(results, "shadowpoints")
            alone = cpu_us(results, name, "worker") / cpu_us(results, "shadowpoints", "worker")
            yield Target(text, ratio, aim, at_least=True, note=f"worker alone {alone:.2f}")
    if "plain" in here:
        ratio = cpu_us(results, "shadowpoints") / cpu_us(results, "plain")
        alone = cpu_us(results, "shadowpoints", "worker") / cpu_us(results, "plain", "worker")
        text = "CPU per event, shadowpoints / plain aiokafka loop"
        yield Target(text, ratio, 1.5, note=f"worker alone {alone:.2f}")


def _latency(folder: Path) -> Iterator[Target]:
    if (document := read(folder, "latency")) is None:
        return
    half = {m["name"]: m["p99_ms"] for m in document["results"] if m["share"] == 0.5}
    if {"shadowpoints", "plain"} <= half.keys():
        ratio = half["shadowpoints"] / half["plain"]
        yield Target("p99 event to offer at half load, / plain loop's", ratio, 1.5)
    if "shadowpoints" in half:
        yield Target("p99 event to offer at half load", half["shadowpoints"], 50, unit="ms")


def _growth(folder: Path) -> Iterator[Target]:
    if (document := read(folder, "growth")) is None:
        return
    results = document["results"]
    for found in results["memory"]:
        if found["touchpoints"] == 20:
            note = "  ".join(f"{kind} {size:.0f}" for kind, size in found["by_kind"].items())
            text = "Redis per consumer at 20 touchpoints"
            yield Target(text, found["beyond"], 250, unit="bytes", note=note)
    counts = [m for m in results["consumers"] if m["consumers"] <= _CONSUMERS]
    if len(counts) > 1:
        first, *_, last = counts
        ratio = sum(last["cpu_us"].values()) / sum(first["cpu_us"].values())
        alone = last["cpu_us"]["worker"] / first["cpu_us"]["worker"]
        text = f"CPU per event, {last['consumers']:,} / {first['consumers']:,} consumers"
        yield Target(text, ratio, 1.2, note=f"worker alone {alone:.2f}")


def main() -> None:
    """The command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT
    for target in targets(folder):
        print(target)


if __name__ == "__main__":
    main()
