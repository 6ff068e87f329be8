# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.commands import report as module
from stream.commands.report import lines
from stream.engine.audit.rfm_borders import Histograms, Measured
from stream.rules.loader import parse_rules
from tests.test_docs import ROOT


def found(people: int) -> Histograms:
    some = Histograms()
    for number in range(people):
        some.add(Measured(number % 300, 1 + number % 17, number))
    return some


def test_what_is_suggested_fits_into_the_rule_file() -> None:
    suggested = "\n".join("    " + line for line in lines(found(1_200), 365, suggest=True))
    rules = (ROOT / "benchmarks/rules.yaml").read_text("utf-8")
    policy = parse_rules(f"{rules}\n{suggested}\n", "f").versions[0].classes
    assert policy is not None
    assert policy.rfm is not None
    assert policy.rfm.r == (60, 120, 180, 240)
    assert policy.rfm.f == (4, 7, 11, 14)
    assert policy.rfm.window_days == 365


def test_in_words() -> None:
    assert [*lines(found(1_200), 90, suggest=False)] == [
        "# 1,200 customers bought something in the last 90 days.",
        "days since the last purchase, fifths end before: 60, 120, 180, 240",
        "purchases, fifths begin with: 4, 7, 11, 14",
        "fen, fifths begin with: 240, 480, 720, 960",
    ]


def test_few_people_are_not_told_of() -> None:
    assert [*lines(found(19), 30, suggest=True)] == [
        "# Fewer than 20 customers bought something in 30 days."
    ]


def test_the_command_prints_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def histograms(settings: object, window_days: int) -> Histograms:
        return found(20 * (window_days == 30))

    monkeypatch.setattr(module, "_histograms", histograms)
    env = {"SHADOWPOINTS_REDIS_URL": "redis://127.0.0.1:1"}
    result = CliRunner().invoke(main, ["report", "rfm", "--window-days", "30"], env=env)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("# 20 customers")
