# SPDX-License-Identifier: Apache-2.0
"""One table and one plot of the numbers which are there.

    .venv-peers/bin/python -m benchmarks.draw [FOLDER]

Writes ``report.md`` and ``report.png`` beside the JSON files. Needs matplotlib, which is in the
peers' environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]

from benchmarks.kept import REPORT, read
from benchmarks.stages import STAGES
from benchmarks.targets import cpu_us, targets

mpl.use("Agg")
from matplotlib import pyplot as plt

NAMES = ("shadowpoints", "plain", "quix", "faust")
TITLES = {
    "shadowpoints": "shadowpoints",
    "plain": "plain aiokafka loop",
    "quix": "Quix Streams",
    "faust": "stock Faust agents",
}
_Row = tuple[str, dict[str, str]]


def table(folder: Path) -> str:
    """Markdown: what was measured down, who was measured across."""
    rows = [*_compared(folder), *_latencies(folder), *_grown(folder)]
    lines = [
        "| | " + " | ".join(TITLES[name] for name in NAMES) + " |",
        "|---|" + "---:|" * len(NAMES),
    ]
    for title, cells in rows:
        lines.append(f"| {title} | " + " | ".join(cells.get(n, "") for n in NAMES) + " |")
    return "\n".join(lines)


def _compared(folder: Path) -> Iterator[_Row]:
    if (document := read(folder, "compare")) is None:
        return
    results = document["results"]
    here = [name for name in NAMES if any(m["name"] == name for m in results)]

    def row(title: str, value: Any, digits: int = 1) -> _Row:
        cells = {}
        for name in here:
            found = median(value(m) for m in results if m["name"] == name)
            cells[name] = f"{found:,.{digits}f}"
        return title, cells

    yield row("events", lambda m: m["events"], 0)
    yield row("consumers", lambda m: m["consumers"], 0)
    yield row("events per second", lambda m: m["events_per_s"], 0)
    for process in ("worker", "redis", "broker"):
        title = f"µs CPU per event: {process}"
        yield row(title, lambda m, process=process: m["cpu_us"][process])
    yield "µs CPU per event: all", {name: f"{cpu_us(results, name):,.1f}" for name in here}
    for stage in STAGES:
        title = f"of the worker's: {stage}"
        yield row(title, lambda m, stage=stage: m["stages_us"].get(stage, 0))
    yield row("ledger entries published", lambda m: m["entries"], 0)
    yield row("offer events published", lambda m: m["offers"], 0)


def _latencies(folder: Path) -> Iterator[_Row]:
    if (document := read(folder, "latency")) is None:
        return
    cells: dict[str, dict[str, str]] = {}
    for m in document["results"]:
        load = f"{m['share']:.0%} load" if m["share"] else f"{m['per_second']:,.0f}/s"
        title = f"event to offer at {load}, p50 / p99 / p99.9 ms"
        text = " / ".join(f"{m[p]:,.0f}" for p in ("p50_ms", "p99_ms", "p999_ms"))
        if m["share"]:
            text += f" ({m['per_second']:,.0f}/s)"
        cells.setdefault(title, {})[m["name"]] = text
    yield from cells.items()


def _grown(folder: Path) -> Iterator[_Row]:
    if (document := read(folder, "growth")) is None:
        return
    results = document["results"]
    for m in results["memory"]:
        title = f"Redis bytes per consumer at {m['touchpoints']} touchpoints, beyond its keys"
        kinds = ", ".join(f"{kind} {size:,.0f}" for kind, size in m["by_kind"].items())
        yield title, {"shadowpoints": f"{m['beyond']:,.0f} ({kinds})"}
    for part in ("consumers", "partitions", "workers"):
        for m in results[part]:
            yield f"with {m[part]:,} {part}", {"shadowpoints": _rate_and_cost(m)}


def _rate_and_cost(m: dict[str, Any]) -> str:
    """Events per second, and what the worker takes of all CPU per event."""
    worker, all_us = m["cpu_us"]["worker"], sum(m["cpu_us"].values())
    return f"{m['events_per_s']:,.0f}/s, {worker:,.1f} of {all_us:,.1f} µs"


def plot(folder: Path, to: Path) -> None:
    """CPU by stage, latency by load, cost by consumers, partitions and workers."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    _plot_cpu(axes[0][0], read(folder, "compare"))
    _plot_latency(axes[0][1], read(folder, "latency"))
    growth = read(folder, "growth")
    _plot_growth(axes[1][0], growth, "consumers")
    _plot_growth(axes[1][1], growth, "partitions")
    figure.savefig(to, dpi=110)


def _plot_cpu(axis: Any, document: dict[str, Any] | None) -> None:
    axis.set_title("CPU per event (µs, log): worker by stage, Redis, broker")
    if document is None:
        return
    results = document["results"]
    here = [name for name in NAMES if any(m["name"] == name for m in results)]
    parts = [*STAGES, "redis", "broker"]
    width = 0.8 / len(parts)
    for number, part in enumerate(parts):
        of = "cpu_us" if part in ("redis", "broker") else "stages_us"
        heights = [median(m[of].get(part, 0) for m in results if m["name"] == n) for n in here]
        places = [place + number * width for place in range(len(here))]
        axis.bar(places, heights, width, label=part, color=plt.cm.tab20(number))
    axis.set_yscale("log")
    axis.set_xticks([place + 0.4 for place in range(len(here))], [TITLES[n] for n in here])
    axis.legend(fontsize=7, ncols=3)


def _plot_latency(axis: Any, document: dict[str, Any] | None) -> None:
    axis.set_title("Event to offer (ms, log): p50 dotted, p99 solid")
    axis.set_xlabel("events per second")
    for name in NAMES if document else ():
        found = [m for m in (document or {})["results"] if m["name"] == name]
        rates = [m["per_second"] for m in found]
        if rates:
            (drawn,) = axis.plot(rates, [m["p99_ms"] for m in found], "o-", label=TITLES[name])
            color = drawn.get_color()
            axis.plot(rates, [m["p50_ms"] for m in found], "o:", color=color)
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.legend(fontsize=8)


def _plot_growth(axis: Any, document: dict[str, Any] | None, part: str) -> None:
    axis.set_title(f"shadowpoints: CPU per event (µs) by {part}")
    axis.set_xlabel(part)
    found = document["results"][part] if document else []
    if not found:
        axis.text(0.5, 0.5, "not measured in this report", ha="center", transform=axis.transAxes)
    for process in ("worker", "redis", "broker") if found else ():
        values = [m["cpu_us"][process] for m in found]
        axis.plot([m[part] for m in found], values, "o-", label=process)
        axis.set_xscale("log")
        axis.legend(fontsize=8)
    axis.set_ylim(bottom=0)


def main() -> None:
    """The command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT
    plot(folder, folder / "report.png")
    documents = [read(folder, name) for name in ("compare", "latency", "growth")]
    made = [document for document in documents if document]
    commands = "\n".join(document["command"] for document in made)
    verdicts = "\n".join(map(str, targets(folder)))
    machine = ", ".join(f"{k} {v}" for k, v in made[0]["machine"].items()) if made else ""
    text = f"""# Benchmark

![CPU, latency and growth](report.png)

{table(folder)}

```
{verdicts}
```

All four ended with the same balance and the same live offer for every consumer, which is what the
events must come to; else there would be no numbers. On the way there each published as many
entries and offers as the order made necessary in which it happened to take the topics. The peers
keep no duplicate markers and promise nothing about crashes; the generator spares them disorder
(`events.py` and `peers/job/__init__.py` say what else they are spared). The stages of a worker are
sampled (`stages.py`); CPU of a worker is that of all its threads. The plain loop's state is not
atomic with its output, and Quix's state is in the worker itself, with a changelog on the broker.

Made by, on {machine}:

```sh
{commands}
```
"""
    (folder / "report.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
