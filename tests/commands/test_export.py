# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.services.process import free_ports


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, list(args), env=env)


@pytest.mark.parametrize(
    "args",
    [
        *([], ["tx.4200"], ["union.abc"], ["union.abc.OPENID"]),
        *(["union.a.b", "--origin", "a", "b"], ["--origin", "a", "b", "--union", "a", "b"]),
        ["--union", "a.b", "c"],
    ],
)
def test_one_consumer_has_to_be_named(args: list[str]) -> None:
    result = run("export", *args)
    assert result.exit_code == 2
    assert "CONSUMER" in result.stderr


def test_a_broker_that_is_not_there_is_reported_in_a_sentence() -> None:
    (port,) = free_ports(1)
    where = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}", "REDIS_URL": "memory://"}
    result = run("export", "union.abc-brand.u1", **where)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Kafka at 127.0.0.1:{port} cannot be asked")


def test_requests_are_not_answered_from_nowhere() -> None:
    result = run("privacy", REDIS_URL="memory://")
    assert result.exit_code == 1
    assert result.stderr.startswith("This command needs the workers' Redis")
