# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from tests.services.process import free_ports

OA, MP = "wx1a2b3c4d5e6f7a01", "wx1a2b3c4d5e6f7a02"


def run(*args: str | Path, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, list(map(str, args)), env=env)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "openids"
    path.write_text("oOldMei\n")
    return path


def test_both_accounts_must_be_known(file: Path) -> None:
    result = run("changeopenid", "--from-appid", "wxold", "--to-appid", "wxnew", file)
    assert result.exit_code == 1
    assert result.stderr == "wxold is not in the apps file.\nwxnew is not in the apps file.\n"


def test_kafka_away_is_reported_in_a_sentence(file: Path) -> None:
    (port,) = free_ports(1)
    server = f"127.0.0.1:{port}"
    args = ("changeopenid", "--from-appid", MP, "--to-appid", OA, file)
    result = run(*args, KAFKA_BOOTSTRAP_SERVERS=server)
    assert result.exit_code == 1
    assert "cannot be asked" in result.stderr
