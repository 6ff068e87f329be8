# SPDX-License-Identifier: Apache-2.0
"""From an event to the offer it causes, at 25, 50 and 75 % of the rate that saturates.

    python -m benchmarks.latency [--seconds S] [--peers plain,quix,faust] [--rates 500,1000]

Writes ``benchmarks/report/latency.json``. The saturating rate is each contender's own, measured
first; ``--rates`` names rates per second instead, the same for all. Both an event and its offer
pass through the broker; producer and reader are this process, on the same machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.contenders import CONTENDERS
from benchmarks.events import Stream, encode, today_ms
from benchmarks.kept import REPORT, write
from benchmarks.machines import Machines, started
from benchmarks.measure import load_of, measure
from benchmarks.outcome import Different, check, outcome_of
from benchmarks.pacing import Observer, Paced, run
from benchmarks.publish import publish
from benchmarks.reference import Reference

_TOUCHES_BEFORE: Final = 13  # of each consumer, so that many are near or beyond the threshold
_TOUCHES_MEASURED: Final = 6
_WARM_UP_S: Final = 4.0  # at each rate; not reported


@dataclass(frozen=True)
class Latency:
    """Of one contender at one rate; ms. ``share`` of the saturating rate, 0 if none was named."""

    name: str
    share: float
    per_second: float
    probes: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    producer_late_ms: float


def latencies(
    machines: Machines, name: str, partitions: int, seconds: float, rates: dict[float, float]
) -> list[Latency]:
    """``rates``: share -> events per second. Raises ``Different`` for a wrong result."""
    counts = {share: int(rate * (_WARM_UP_S + seconds)) for share, rate in rates.items()}
    consumers = max(100, sum(counts.values()) // _TOUCHES_MEASURED)
    before = consumers * _TOUCHES_BEFORE
    stream = Stream(
        consumers=consumers,
        total=2 * consumers + before + sum(counts.values()),
        end_ms=today_ms(int(time.time() * 1000)),
        refunds=False,
    )
    reference = Reference()
    contender = CONTENDERS[name](machines, partitions)
    try:
        contender.prepare()
        contender.start()
        for part in (stream.binds(), stream.touches(before)):
            events = list(part)
            for event in events:
                reference.add(event)
            publish(machines.bootstrap, contender.prefix, map(encode, events))
            contender.wait(60 + len(events) / 100)
        done = []
        with Observer(contender) as observer:
            for share, rate in rates.items():
                events = list(stream.touches(counts[share]))
                warming = int(rate * _WARM_UP_S)
                paced = run(contender, observer, reference, events, rate, warming)
                done.append(_latency(name, share, rate, paced))
        check(outcome_of(contender), reference)
    finally:
        contender.close()
    return done


def _latency(name: str, share: float, rate: float, paced: Paced) -> Latency:
    if paced.unanswered:
        raise Different(f"{paced.unanswered} events have had no offer")
    p50, p99, p999 = map(paced.percentile, (0.5, 0.99, 0.999))
    return Latency(name, share, rate, len(paced.latencies_ms), p50, p99, p999, paced.late_ms)


def line(latency: Latency) -> str:
    """For people."""
    at = f"{latency.share:4.0%} " if latency.share else ""
    return (
        f"{latency.name:13}{at}{latency.per_second:8,.0f}/s  p50 {latency.p50_ms:7.1f} ms"
        f"  p99 {latency.p99_ms:7.1f} ms  p99.9 {latency.p999_ms:7.1f} ms"
        f"  ({latency.probes} offers)"
    )


def main(arguments: list[str], folder: Path = REPORT) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency")
    parser.add_argument("--seconds", type=float, default=30.0, help="at each rate")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--peers", default="plain,quix,faust", help="beside shadowpoints")
    parser.add_argument("--saturate", type=int, default=50_000, help="events to find the rate by")
    parser.add_argument("--shares", default="0.25,0.5,0.75", help="of the saturating rate")
    parser.add_argument("--rates", help="per second, instead of shares of the saturating rate")
    a = parser.parse_args(arguments)
    done: list[dict[str, Any]] = []
    with started() as machines:
        for name in ["shadowpoints", *filter(None, a.peers.split(","))]:
            if a.rates:
                named = [{0.0: float(rate)} for rate in a.rates.split(",")]
            else:
                highest = _saturating(machines, name, a.partitions, a.saturate)
                shares = map(float, a.shares.split(","))
                named = [{share: highest * share for share in shares}]
            for rates in named:
                for latency in latencies(machines, name, a.partitions, a.seconds, rates):
                    print(line(latency), flush=True)
                    done.append(asdict(latency))
    write(folder, "latency", arguments, done)


def _saturating(machines: Machines, name: str, partitions: int, events: int) -> float:
    contender = CONTENDERS[name](machines, partitions)
    try:
        return measure(contender, load_of(events, max(100, events // 10))).events_per_s
    finally:
        contender.close()


if __name__ == "__main__":
    main(sys.argv[1:])
