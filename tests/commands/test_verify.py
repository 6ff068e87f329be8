# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.commands import verify as module
from stream.engine.audit.verify import Fault, Violation
from stream.lookup.verifier import Report

KEY = "union.abc-brand.uMei0000000000000000000000001"


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["verify", *args], env=env)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    report = Report(accounts=1_200, origins=2, payments=3, points=4, live_offers=5, offered=6_000)

    async def verified(*args: object) -> Report:
        return report

    monkeypatch.setattr(module, "_verified", verified)
    return report


def test_all_well(report: Report) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "1,200 accounts, 2 origins, 3 payments; 4 points, 5 live offers of 6,000 points",
        "nothing is stored",
        "no faults",
    ]


def test_the_heaviest_are_named_by_what_they_weigh(report: Report) -> None:
    report.heaviest = [(120_345, KEY), (7, "tx.1")]
    assert "uMei" not in run().output
    assert run().stdout.splitlines()[1].endswith(" 7")
    open_ = run("--show-ids").stdout.splitlines()[1]
    assert open_ == f"heaviest, in bytes: profile {KEY} 120,345, payment tx.1 7"


def test_faults_name_nobody_unless_asked_to(report: Report) -> None:
    report.violations = [Violation(KEY, Fault.BALANCE, 77, 0), Violation(KEY, Fault.OFFER, 1, 0)]

    first, second, open_ = run(), run(), run("--show-ids")

    assert first.exit_code == second.exit_code == open_.exit_code == 1
    assert "uMei" not in first.output
    names = [line.split()[1] for line in first.stdout.splitlines() if line.startswith("profile ")]
    assert len(names) == 2
    assert len(set(names)) == 1
    assert names[0] not in second.stdout
    assert f"profile {KEY} balance: 77, not 0" in open_.stdout.splitlines()
    assert open_.stdout.splitlines()[-1] == "2 faults"


def test_a_sum_is_named_by_rule_and_version_and_both_sums(report: Report) -> None:
    parts = (("till_purchase@2", 450, 0), ("till_purchase@3", 0, 1_800))
    report.violations = [Violation(KEY, Fault.GRANTED, 450, 1_800, parts)]

    assert run("--show-ids").stdout.splitlines()[-2] == (
        f"profile {KEY} granted: 450, not 1,800"
        " (till_purchase@2 450, by the rules 0; till_purchase@3 0, by the rules 1,800)"
    )


def test_many_rules_do_not_make_a_line_without_end(report: Report) -> None:
    parts = tuple((f"rule{n}@1", n, 0) for n in range(1, 14))
    report.violations = [Violation(KEY, Fault.GRANTED, 91, 0, parts)]

    assert run().stdout.splitlines()[-2].endswith("; rule10@1 10, by the rules 0; 3 more)")


def test_memory_holds_nothing_to_verify() -> None:
    result = run(REDIS_URL="memory://")
    assert result.exit_code == 1
    assert result.stderr.startswith("This command needs the workers' Redis")
