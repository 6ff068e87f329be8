# SPDX-License-Identifier: Apache-2.0
"""The numbers, one JSON file for each command, and the machine they were made on."""

from __future__ import annotations

import json
import os
import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

REPORT: Final = Path(__file__).with_name("report")
SMALL: Final = REPORT / "small"  # of ``make bench``; not committed
_CLIENTS: Final = ("faust-streaming", "aiokafka", "redis", "pydantic")


def write(folder: Path, module: str, arguments: list[str], results: Any) -> None:
    """Keep results under the module's name, with the command that made them."""
    document = {
        "command": shlex.join(["python", "-m", f"benchmarks.{module}", *arguments]),
        "machine": _machine(),
        "results": _rounded(results),
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / f"{module}.json").write_text(text + "\n", "utf-8")


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """What ``write`` kept; ``None`` before."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _machine() -> dict[str, Any]:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        # above the number of CPUs, others were at work, and the latencies say little
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in _CLIENTS},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
