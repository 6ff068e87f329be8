# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.services.process import free_ports
from tests.services.receiver import SECRET

URL = "https://crm.example.com/in"


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["webhooks", *args], env=env)


@pytest.mark.parametrize("args", [[], ["replay", "--yes"]])
def test_without_a_receiver_and_a_secret_nothing_is_sent(args: list[str]) -> None:
    for variables in ({}, {"WEBHOOK_URL": URL}, {"WEBHOOK_SECRET_FILE": __file__}):
        result = run(*args, **variables)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Set SHADOWPOINTS_WEBHOOK_URL and SHADOWPOINTS_WEBHOOK_")


def test_a_secret_that_is_none_is_reported() -> None:
    result = run(WEBHOOK_URL=URL, WEBHOOK_SECRET_FILE=__file__)
    assert result.exit_code == 1
    assert result.stderr.startswith("SHADOWPOINTS_WEBHOOK_SECRET_FILE: must be a readable file")


@pytest.mark.parametrize("args", [[], ["replay", "--yes"]])
def test_a_broker_which_is_away_is_reported_in_a_sentence(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (port,) = free_ports(1)
    result = run(
        *args,
        WEBHOOK_URL=URL,
        WEBHOOK_SECRET_FILE=str(tmp_path / "secret"),
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}",
    )
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Kafka at 127.0.0.1:{port} cannot be asked")
