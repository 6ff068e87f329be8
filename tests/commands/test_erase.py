# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.services.process import free_ports

SOMEBODY = "union.abc-brand.uMei0000000000000000000001"


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, list(args), env=env)


@pytest.mark.parametrize(
    "args",
    [
        *(["erase"], ["erase", SOMEBODY, "--union", "abc-brand", "uMei"]),
        *(["erase", "tx.4200000000202611220000000001"], ["erase", "--origin", "wx1", "undefined"]),
        ["sweep", SOMEBODY],
    ],
)
def test_who_is_meant_must_be_clear(args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


@pytest.mark.parametrize("command", [["erase", SOMEBODY, "--yes"], ["sweep"]])
def test_there_is_nothing_in_the_memory_of_another_process(command: list[str]) -> None:
    result = run(*command, REDIS_URL="memory://")
    assert result.exit_code == 1
    assert result.stderr.startswith("This command needs the workers' Redis")


def test_settings_that_cannot_be_used_are_reported_first() -> None:
    (port,) = free_ports(1)
    result = run("sweep", REDIS_URL=f"redis://127.0.0.1:{port}/0", HASH_KEY="short")
    assert result.exit_code == 1
    assert result.stderr.startswith("SHADOWPOINTS_HASH_KEY: ")
