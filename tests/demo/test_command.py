# SPDX-License-Identifier: Apache-2.0
"""The command as somebody runs it: a child process, the embedded broker, the real app."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.demo.command import demo
from stream.demo.summary import lines_of
from tests.conftest import Kafka

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def shadowpoints(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "stream.cli", *arguments, **variables)


def run_python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SHADOWPOINTS_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_embedded_broker_is_not_asked_for_the_users_of_a_real_one() -> None:
    ran = shadowpoints(
        "demo",
        "--consumers=20",
        "--events=80",
        SHADOWPOINTS_KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        SHADOWPOINTS_KAFKA_USERNAME="worker",
        SHADOWPOINTS_KAFKA_PASSWORD="s3cret",
        SHADOWPOINTS_REDIS_PASSWORD="s3cret",
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_small_day_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"

    ran = shadowpoints("demo", "--consumers=200", "--events=2000", DEMO_JSON=str(path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) <= 30
    assert "It is not Apache Kafka" in ran.stdout
    assert "first offer: 立即注册" in ran.stdout
    assert "first offer: Sign up now for" in ran.stdout
    summary = json.loads(path.read_bytes())
    assert summary["ok"] is True
    assert all(check["holds"] for check in summary["checks"])
    records = summary["records"]
    assert records["in"] == 2000 == sum(n for name, n in records.items() if name != "in")
    assert records["dead"] == 8
    points = summary["points"]
    assert points["balance_of_ledger"] == points["balance_of_tables"] > 0
    assert (
        points["accrued"] - points["clawed_back"] - points["expired"] - points["paid_out"]
        == (points["balance_of_tables"])
    )
    assert summary["offers"]["live"] > 0
    assert 0 < summary["first_offer_s"] <= summary["settled_s"] + 1


@pytest.mark.integration
def test_a_small_day_adds_up_on_real_servers(kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    sizes = ("--consumers=100", "--events=1000", f"--json={path}")

    ran = shadowpoints("demo", f"--kafka={kafka.bootstrap}", f"--redis={redis_url}", *sizes)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "mock" not in ran.stdout
    summary = json.loads(path.read_bytes())
    assert summary["embedded"] is False
    assert all(check["holds"] for check in summary["checks"])


LOSING = """
from stream.demo import embedded
def lose(self):
    raise embedded.RecordsLost("The embedded broker dropped 7 records.")
embedded.EmbeddedBroker.check_nothing_lost = lose
from stream.demo.command import demo
demo(["--consumers=20", "--events=80"])
"""


def test_a_broker_which_drops_records_fails_the_demo() -> None:
    ran = run_python("-c", LOSING)

    assert ran.returncode == 1
    assert ran.stderr == "The embedded broker dropped 7 records.\n"
    assert "checks" not in ran.stdout


def test_kafka_and_redis_come_together_or_not_at_all() -> None:
    answer = CliRunner().invoke(demo, ["--kafka", "localhost:9092"])

    assert answer.exit_code == 2
    assert "Give --kafka and --redis together" in answer.output


def test_sizes_which_do_not_go_together_are_a_sentence() -> None:
    answer = CliRunner().invoke(demo, ["--consumers", "1000", "--events", "2000"])

    assert answer.exit_code == 1
    assert answer.output == ("The day needs at least 20 consumers and 4 events for each of them.\n")


def test_apps_which_lack_the_samples_are_a_sentence(tmp_path: Path) -> None:
    apps = tmp_path / "apps.yaml"
    apps.write_text("apps:\n  - {appid: wxabc, name: Mine, kind: payment, open_account: mine}\n")

    answer = CliRunner().invoke(demo, ["--apps", str(apps)])

    assert answer.exit_code == 1
    assert "yours lacks wx1a2b3c4d5e6f7a01" in answer.output


def test_servers_which_do_not_answer_are_a_sentence() -> None:
    ran = shadowpoints(
        "demo", "--kafka=127.0.0.1:9", "--redis=redis://127.0.0.1:9/0", "--consumers=20",
        "--events=80",
    )  # fmt: skip

    assert ran.returncode == 1
    assert "Kafka at 127.0.0.1:9 cannot be asked" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_address_which_is_none_is_a_sentence() -> None:
    answer = CliRunner().invoke(
        demo, ["--kafka=127.0.0.1:9", "--redis=http://127.0.0.1", "--consumers=20", "--events=80"]
    )

    assert answer.exit_code == 1
    assert "SHADOWPOINTS_REDIS_URL" in answer.stderr
    assert "must be redis://host:port/0" in answer.stderr


def test_an_interrupted_demo_ends_at_once_and_says_nothing_of_checks() -> None:
    process = subprocess.Popen(  # of a day long enough to be interrupted on a busy machine, too
        [sys.executable, "-m", "stream.cli", "demo", "--consumers=2000", "--events=40000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore it, and so would the demo.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout is not None
        begun = any("records  applied" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)

    assert begun
    assert process.returncode == 1
    assert "checks" not in out
    assert "Traceback" not in error


@pytest.mark.parametrize("first", [None, 3.21])
def test_a_mismatch_is_named_in_the_summary(first: float | None) -> None:
    summary = {
        "records": {"in": 3, "applied": 2, "dead": 0},
        "points": dict.fromkeys(
            (
                *("accrued", "clawed_back", "expired", "paid_out", "balance_of_ledger"),
                "balance_of_tables",
            ),
            0,
        ),
        "accounts": 0,
        "binds": 0,
        "conflicts": 0,
        "consent": {"invited": 0},
        "offers": {"issued": 0, "live": 0},
        "traits": {"tier.changed": 0, "nudge.due": 0, "nudge.withdrawn": 0},
        "payouts": {"issued": 0, "corrected": 0, "points": 0},
        "first_offer_s": first,
        "settled_s": 4.0,
        "events_per_s": 10,
        "checks": [
            {"name": "records in = what became of them", "left": 3, "right": 2, "holds": False},
            {"name": "transfers out + in = 0", "left": 0, "right": 0, "holds": True},
        ],
    }

    lines = list(lines_of(summary))

    assert "MISMATCH  records in = what became of them: 3 against 2" in lines
    assert not any(line.startswith("checks") for line in lines)
    assert any("no offer" in line for line in lines) is (first is None)
