# SPDX-License-Identifier: Apache-2.0
"""SDKs of CloudEvents publish every example and read what was erased, on a real broker.

    python -m tests.interop.run [java] [javascript] [go] [python1] [sensors]

``sensors``: analytics SDKs of mini-programs and web pages report to a gateway, without a broker.
All by default. Each needs its own tools (java and mvn, node and npm, go), and its registry once;
the versions are pinned beside each program. The SDK for Python as it is today is a test of its
own, ``test_python.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.integration.cluster import Cluster
from tests.interop import sensors
from tests.interop.exchange import ALL, HEARD, MODES, SOURCES, say, script, understood
from tests.services.kafka import KafkaServer

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "interop"


def _run(*command: str | Path, cwd: Path = HERE, timeout_s: float = 600) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=timeout_s, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {(done.stdout + done.stderr)[-2_000:]}")
    return done.stdout


def _java() -> list[str | Path]:
    jars = CACHE / "java"
    copy = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}")
    _run("mvn", "-q", "-B", "-f", HERE / "java" / "pom.xml", *copy)
    return ["java", "-cp", f"{jars}/*", HERE / "java" / "Interop.java"]


def _node(name: str) -> list[str | Path]:
    shutil.copytree(HERE / name, CACHE / name, dirs_exist_ok=True)
    _run("npm", "ci", "--silent", cwd=CACHE / name)
    return ["node", CACHE / name / "main.js"]


def _go() -> list[str | Path]:
    program = CACHE / "go"
    _run("go", "build", "-o", program, ".", cwd=HERE / "go")
    return [program]


def _python1() -> list[str | Path]:
    python = CACHE / "python1" / "bin" / "python"
    _run(sys.executable, "-m", "venv", CACHE / "python1")
    _run(python, "-m", "pip", "install", "-q", "-r", HERE / "python1" / "requirements.txt")
    return [python, HERE / "python1" / "main.py"]


PROGRAMS: dict[str, Callable[[], list[str | Path]]] = {
    "java": _java,
    "javascript": lambda: _node("javascript"),
    "go": _go,
    "python1": _python1,
}


async def exchange(cluster: Cluster, program: list[str | Path], folder: Path) -> None:
    """Raises ``AssertionError`` or ``Refused`` unless all is understood, on both sides."""
    file = folder / "events.jsonl"
    file.write_text(script(cluster), "utf-8")
    await asyncio.to_thread(_run, *program, "publish", cluster.bootstrap, file)
    assert await understood(cluster) == ALL
    topic = await say(cluster)
    read = (*program, "read", cluster.bootstrap, topic, str(len(HEARD)))
    said = await asyncio.to_thread(_run, *read, timeout_s=60)
    seen = [json.loads(line) for line in said.splitlines()]
    assert seen == HEARD, seen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run", description=__doc__)
    names = [*PROGRAMS, "sensors"]
    parser.add_argument("sdk", nargs="*", choices=[*names, []], help="all by default")
    wanted = parser.parse_args().sdk or names
    CACHE.mkdir(parents=True, exist_ok=True)
    if "sensors" in wanted:
        for place, events in sensors.EXPECTED.items():
            asyncio.run(sensors.report(_node("sensors"), place))
            print(f"sensors, {place}: {len(events)} events")
    if on_a_broker := [name for name in wanted if name in PROGRAMS]:
        _exchange_all(on_a_broker)


def _exchange_all(wanted: list[str]) -> None:
    with KafkaServer() as kafka, tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            logs = Path(folder)
            with Cluster(kafka.bootstrap, "redis://localhost", name, logs, 1) as cluster:
                asyncio.run(exchange(cluster, PROGRAMS[name](), logs))
            print(f"{name}: {len(SOURCES)} examples in {len(MODES)} modes, and what was erased")


if __name__ == "__main__":
    main()
