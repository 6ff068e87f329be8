# SPDX-License-Identifier: Apache-2.0
"""What docs/operations.md says about trying rules on past events, done as it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import orjson
import pytest

from stream.brand.directory import load_apps
from stream.demo.day import generate, yesterday
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.conftest import unavailable
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.support.commands import output_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
SECTION = PAGE.partition("\n## Trying rules on past events\n")[2].partition("\n## ")[0]
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: list[str] = _BLOCK.findall(SECTION)
WHAT_IF: list[str] = _BLOCK.findall((ROOT / "docs/what-if.md").read_text("utf-8"))


def run(text: str, directory: Path, environment: dict[str, str]) -> str:
    text = text.replace("shadowpoints replay", f"{sys.executable} -m stream.cli replay")
    command = ["bash", "-euo", "pipefail", "-c", text]
    return output_of(command, {**environment, "PYTHONPATH": str(ROOT)}, 240, directory)


@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_events_of_a_broker_are_exported_and_replayed(
    new_kafka: Callable[[], KafkaServer], tmp_path: Path
) -> None:
    """On a broker of its own: the topics have no prefix."""
    if which("kcat") is None:
        unavailable("kcat is not installed")
    kafka = new_kafka()
    now = datetime.now(UTC)
    date = yesterday((now + timedelta(hours=8)).date())
    day = generate(seed=3, consumers=50, events=500, day=date, directory=load_apps())
    local = LocalEngine(load_rules(), load_apps())
    for r in day.records:
        local.publish(r.topic, r.key, r.value, r.headers, r.time_ms)
    local.settle()
    with Cluster(kafka.bootstrap, "memory://", "shadowpoints", tmp_path, prefix="") as cluster:
        await cluster.publish((r.topic, r.key, r.value, r.headers) for r in day.records)
        environment = cluster.environment
    export, commands = BLOCKS
    run(export.replace("localhost:29092", kafka.bootstrap), tmp_path, environment)
    rules = (ROOT / "stream/rules/default.yaml").read_text("utf-8")
    for name in ("old", "new"):
        (tmp_path / f"{name}-rules.yaml").write_text(rules, "utf-8")

    assert "2027-01-01T00:00:00+08:00" in commands
    later = (now + timedelta(days=30)).isoformat(timespec="seconds")
    printed = run(commands.replace("2027-01-01T00:00:00+08:00", later), tmp_path, environment)

    assert f" {local.counts()['applied']:,} applied\n" in printed
    found = orjson.loads((tmp_path / "after.json").read_bytes())
    assert found["events"]["read"] == 500
    assert len((tmp_path / "balances.jsonl").read_bytes().splitlines()) > 20

    for command in WHAT_IF:
        printed = run(command, tmp_path, environment)
        assert printed.startswith("500 events: "), printed
        assert re.search(r"^points +([\d,]+) ", printed, re.MULTILINE), printed
    assert (tmp_path / "what-if/report.html").is_file()
