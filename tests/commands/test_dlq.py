# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.commands.common import Instant, escaped, shanghai
from tests.services.process import free_ports


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["dlq", *args], env=env)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["list", "--since", "2026-03-01T08:00:00"], "give the zone, too"),
        (["list", "--until", "yesterday"], "is not an ISO 8601 time"),
        (["list", "--offset", "4"], "--offset needs --partition"),
        (["replay", "--reason", "boredom"], "'boredom' is not one of"),
        (["list", "--limit", "0"], "0 is not in the range"),
    ],
)
def test_a_selection_which_cannot_be_meant_is_refused(args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_place_that_is_none_is_reported_first() -> None:
    (port,) = free_ports(1)
    result = run("show", "wechat.pay-0@3", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")
    assert result.exit_code == 2
    assert "A place looks like shadow.dead-letters-0@42, or 0@42." in result.stderr


@pytest.mark.parametrize("id_", ["", "7", "0:", "0:x", "0:²", "0:１", "0:1:2", "0:" + "9" * 5_000])
def test_what_is_no_id_of_an_output_is_reported(id_: str) -> None:
    result = run("drop", id_, "--yes")
    assert result.exit_code == 2
    assert "An ID looks like 0:42" in result.stderr


@pytest.mark.parametrize("args", [["pending"], ["drop", "0:1", "--yes"]])
def test_the_memory_of_a_worker_cannot_be_looked_into(args: list[str]) -> None:
    result = run(*args, REDIS_URL="memory://")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("This command needs the workers' Redis")


@pytest.mark.parametrize("text", ["2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00Z"])
def test_an_instant_has_a_zone(text: str) -> None:
    instant = Instant().convert(text, None, None)
    assert instant == 1_772_323_200_000
    assert shanghai(instant) == "2026-03-01T08:00:00+08:00"


def test_a_date_alone_is_no_instant() -> None:
    with pytest.raises(click.BadParameter, match="zone"):
        Instant().convert("2026-03-01", None, None)


def test_no_text_moves_the_cursor() -> None:
    assert escaped("饼 a\x1b[2J\r\n\u202e") == "饼 a\\x1b[2J\\r\\n\\u202e"
