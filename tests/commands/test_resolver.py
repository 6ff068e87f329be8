# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from stream.commands.resolver import openids_in, planner_of
from stream.config.settings import load_settings
from stream.resolver.lookups import Api, Lookup
from tests.commands.test_changeopenid import OA, run


def test_without_a_secret_nobody_can_be_asked() -> None:
    result = run("resolver")
    assert result.exit_code == 1
    assert "has a secret_env" in result.stderr


def test_a_back_fill_is_of_an_official_account() -> None:
    result = run("resolver", "backfill", OA)
    assert result.exit_code == 1
    assert f"must have {OA} as an official_account with a secret_env" in result.stderr


def test_a_file_of_openids(tmp_path: Path) -> None:
    path = tmp_path / "openids"
    path.write_bytes(b"oMei\r\n\n oLi \nOPENID\nnot one\n\xff\n")
    assert openids_in(path) == ["oMei", "oLi"]


def test_the_settings_limit_what_is_asked() -> None:
    settings = load_settings(
        {"SHADOWPOINTS_RESOLVER_WAITING_MAX": "100", "SHADOWPOINTS_RESOLVER_DAILY_CALLS_MAX": "7"}
    )
    planner = planner_of(settings)
    for number in range(100):
        planner.add(Lookup(Api.INFO, OA, f"o{number}", 0, 10), number, 0)
    assert planner.full(Api.INFO)
    assert planner.calls_left(0) == {(Api.INFO, OA): 7}
