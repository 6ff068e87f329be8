# SPDX-License-Identifier: Apache-2.0
"""The tiers of tests are what the pages and the targets say."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).parents[1]
MARKERS = [
    marker.partition(":")[0]
    for marker in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"][
        "ini_options"
    ]["markers"]
]


def test_every_mark_is_explained_to_newcomers() -> None:
    explained = re.findall(r"^\| `(\w+)`.* \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert explained == MARKERS


def test_every_test_is_in_one_run_of_make_test() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    test = makefile[makefile.index("\ntest:") : makefile.index("\ninterop:")]
    assert re.findall(r'-m (?:"([^"]+)"|(\w+)$)', test, re.M) == [
        ("not integration", ""),
        ("integration and not alone", ""),
        ("", "alone"),
    ]


def test_what_is_alone_has_servers() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        assert "mark.alone" not in text or "mark.integration" in text or path == Path(__file__)


def test_in_ci_each_worker_draws_the_same_examples() -> None:
    assert settings().derandomize is bool(os.environ.get("CI"))
