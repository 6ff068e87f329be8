# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/report.md on real servers, beside what the ledger's topic says."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster
from tests.integration.test_day import sample_day, sources
from tests.support.commands import output_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/report.md").read_text("utf-8")
(COMMAND,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.integration
async def test_a_report_of_what_the_topics_hold(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = new_cluster(3)
    cluster.start_worker()
    await cluster.publish(sources(sample_day(10_000)))
    await cluster.settled()
    command = COMMAND.replace("shadowpoints", f"{sys.executable} -m stream.cli")
    environment = {**cluster.environment, "PYTHONPATH": str(ROOT), "LANG": "zh_CN.UTF-8"}

    output_of(["bash", "-ec", command], environment, 60, tmp_path)

    report = tmp_path / "report"
    tables: dict[str, list[dict[str, Any]]] = orjson.loads((report / "report.json").read_bytes())[
        "tables"
    ]
    moved: Counter[str] = Counter()
    for entry in await cluster.read_channel(Channel.LEDGER):
        assert entry.value is not None
        data = orjson.loads(entry.value)
        moved[data["kind"]] += data["points"]
    overview = {row["measure"]: row["value"] for row in tables["overview"]}
    assert overview["points_paid"] == -moved["payout"] - moved["payout_correction"] > 0
    assert overview["points_outstanding"] == sum(moved.values())
    assert sum(row["granted"] for row in tables["movements"]) == moved["accrual"]
    with (report / "movements.csv").open(newline="") as file:
        assert [row["granted"] for row in csv.DictReader(file)] == [
            str(row["granted"]) for row in tables["movements"]
        ]
    assert '<html lang="zh-CN">' in (report / "report.html").read_text("utf-8")
