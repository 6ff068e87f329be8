from __future__ import annotations

import os
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

    assert run("rules", "check").stdout == "the shipped rules: no problems; versions 1, 2\n"
    broken = run("rules", "check", str(rules))
    assert broken.exit_code == 1
    assert str(rules) in broken.stderr


def test_health_without_a_web_server_says_what_to_set() -> None:
    result = run("health")

    assert result.exit_code == 1
    assert "SHADOWPOINTS_WEB_PORT" in result.stderr


def test_health_of_no_worker_is_bad() -> None:
    (port,) = free_ports(1)

    result = run("health", WEB_PORT=str(port))

    assert (result.exit_code, result.stderr) == (1, f"Nothing answers on port {port}.\n")


def test_settings_are_listed() -> None:
    assert "SHADOWPOINTS_PARTITIONS=8" in run("settings").stdout
