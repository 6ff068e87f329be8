# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.services.process import free_ports


def run(*args: str, **variables: str) -> Result:
    ours = {name: None for name in os.environ if name.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, list(args), env=env)


@pytest.mark.parametrize("command", [["worker"], ["topics", "create"], ["health"]], ids=" ".join)
def test_settings_which_cannot_be_used_are_told_in_sentences(command: list[str]) -> None:
    result = run(*command, PARTITIONS="0", REDIS_URL="nowhere")

    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "SHADOWPOINTS_REDIS_URL",
        "SHADOWPOINTS_PARTITIONS",
    ]


@pytest.mark.parametrize("command", ["check", "create"])
def test_a_broker_which_is_not_there_is_told_in_a_sentence(command: str) -> None:
    (port,) = free_ports(1)

    result = run("topics", command, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Kafka at 127.0.0.1:{port} cannot be asked")


def test_a_worker_with_a_broken_rule_file_says_where(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("versions:\n  - version: one\n", "utf-8")

    result = run("worker", RULES=str(rules))

    assert result.exit_code == 1
    assert f"{rules}:2:" in result.stderr


def test_rules_are_checked(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("versions: []\n", "utf-8")

    first, campaign, *_ = run("rules", "check").stdout.splitlines()
    assert first == "the shipped rules: no problems; versions 1, 2"
    assert campaign == (
        "  version 1, campaign breakfast_weeks (x 2):"
        " from 2026-03-02T00:00+08:00 to 2026-03-16T00:00+08:00"
    )
    table = json.loads(run("rules", "check", "--json").stdout)
    assert [version["version"] for version in table] == [1, 2]
    assert table[0]["campaigns"][0]["id"] == "breakfast_weeks"
    broken = run("rules", "check", str(rules))
    assert broken.exit_code == 1
    assert str(rules) in broken.stderr


def test_rules_are_checked_against_those_in_force(tmp_path: Path) -> None:
    shipped = resources.files("stream.rules").joinpath("default.yaml").read_text("utf-8")
    edited, early, later = (tmp_path / name for name in ("edited.yaml", "early.yaml", "later.yaml"))
    third = "  - {version: 3, effective: %s, consent: opt_in, earn: []}\n"
    edited.write_text(shipped.replace("points_per_yuan: 10", "points_per_yuan: 40", 1), "utf-8")
    early.write_text(shipped + third % "2026-11-01", "utf-8")
    later.write_text(shipped + third % "2100-01-01", "utf-8")
    in_force = tmp_path / "in_force.yaml"
    in_force.write_text("# as shipped\n" + shipped, "utf-8")

    def check(file: Path) -> Result:
        return run("rules", "check", str(file), "--against", str(in_force))

    assert (check(in_force).exit_code, check(later).exit_code) == (0, 0)
    assert check(edited).exit_code == 1
    assert f"{edited}: version 1 is in force from" in check(edited).stderr
    assert check(early).exit_code == 1
    assert f"{early}: version 3 is new and would start at 2026-11-01T00:00" in check(early).stderr


def test_health_without_a_web_server_says_what_to_set() -> None:
    result = run("health")

    assert result.exit_code == 1
    assert "SHADOWPOINTS_WEB_PORT" in result.stderr


def test_health_of_no_worker_is_bad() -> None:
    (port,) = free_ports(1)

    result = run("health", WEB_PORT=str(port))

    assert (result.exit_code, result.stderr) == (
        1,
        f"No Shadowpoints process answers on 127.0.0.1:{port}: check that it runs, and that "
        "SHADOWPOINTS_WEB_HOST and _PORT are the same for it as for this command.\n",
    )


def test_settings_are_listed_as_they_are_in_force() -> None:
    told = run("settings", WEB_PORT="6066", REDIS_PASSWORD="p4ss").stdout.splitlines()

    assert "SHADOWPOINTS_PARTITIONS=8  (default)" in told
    assert "SHADOWPOINTS_WEB_PORT=6066" in told
    assert "SHADOWPOINTS_REDIS_PASSWORD=**********" in told


def test_a_setting_that_is_none_is_told_with_the_nearest() -> None:
    result = run("settings", WEB_PROT="6066")

    assert result.exit_code == 1
    assert result.stderr == (
        "SHADOWPOINTS_WEB_PROT is not a setting; SHADOWPOINTS_WEB_PORT is: `shadowpoints settings` "
        "lists all of them.\n"
    )


def test_a_command_that_is_none_is_told_with_the_nearest() -> None:
    result = run("wroker")

    assert result.exit_code == 2
    assert "No such command 'wroker'. Did you mean worker?" in result.stderr


def test_the_version_is_printed() -> None:
    assert run("--version").stdout == f"{version('shadowpoints')}\n"


def test_topics_are_printed_without_a_broker() -> None:
    result = run("topics", "create", "--print", TOPIC_PREFIX="eu.", OWN_PREFIX="v2.")

    assert result.exit_code == 0
    names = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert names[0] == "eu.wechat.pay"
    assert "eu.v2.shadow.resolved" in names
