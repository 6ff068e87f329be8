# SPDX-License-Identifier: Apache-2.0
"""A new source with refunds is its contract with its records, and a line in the list of sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from schemas import SOURCE_TOPICS
from stream.gateway.server import TOPICS

ROOT = Path(schemas.__file__).parents[1]
HERE = Path(__file__).parent
LAST_IMPORT, LAST_LINE = "    wechat_identity,\n)", "    *wechat_identity.SOURCES,\n"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What comes of a day in a copy of the product which has the newcomer's source."""
    copy = tmp_path_factory.mktemp("copy")
    for part in ("schemas", "stream"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "tmall.py", copy / "schemas" / "tmall.py")
    registry = copy / "schemas" / "registry.py"
    text = registry.read_text("utf-8")
    assert text.count(LAST_IMPORT) == text.count(LAST_LINE) == 1
    text = text.replace(LAST_IMPORT, "    wechat_identity,\n    tmall,\n)")
    registry.write_text(text.replace(LAST_LINE, f"{LAST_LINE}    *tmall.SOURCES,\n"), "utf-8")
    done = subprocess.run(
        [sys.executable, HERE / "day.py"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": f"{copy}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)


def test_its_topic_is_a_source_which_the_gateway_may_write(day: Any) -> None:
    assert day["sources"] == [*SOURCE_TOPICS, "tmall.orders"]
    assert day["gateway"] == [*TOPICS, "tmall.orders"]


def test_it_earns_by_its_own_fields_and_amounts_and_counts_once(day: Any) -> None:
    assert day["points"] == [120, -50, 398]  # 120 yuan, 50 back; and twice the list price
    assert day["counts"] == {"applied": 4, "duplicate": 1, "dead": 2}


def test_its_payments_are_not_those_of_another_system_with_the_same_number(day: Any) -> None:
    assert day["keys"] == [
        "origin.tmall-abc.ouidMei",
        "origin.wxmp.oLi",
        "tx.90001",
        "tx.tmall.90001",
        "tx.tmall.90002",
    ]


def test_the_erasure_search_finds_its_people_and_its_payments(day: Any) -> None:
    assert day["survey"]["entities"] == 3
    assert day["survey"]["shadow.dead-letters"] == 2
    assert day["left"] == []
