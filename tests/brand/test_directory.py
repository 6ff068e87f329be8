# SPDX-License-Identifier: Apache-2.0
"""The directory of apps."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.brand.directory import load_apps, parse_apps
from stream.engine.model.directory import Directory
from stream.yaml_config.problems import AppsInvalid, FileInvalid
from tests.snapshots import place_of_one

APPS = """\
apps:
  - appid: wxa
    name: Official Account
    kind: official_account
    original_id: gh_a
    open_account: brand
  - {appid: wxb, name: Till, kind: payment}
"""


def test_a_directory_knows_its_apps(tmp_path: Path) -> None:
    path = tmp_path / "apps.yaml"
    path.write_text(APPS, encoding="utf-8")
    directory = load_apps(path)
    assert directory.open_account("wxa") == "brand"
    assert directory.appid_of("gh_a") == "wxa"
    assert directory.knows("wxb")
    assert directory.open_account("wxb") is None


def test_what_is_not_listed_is_unknown() -> None:
    directory = parse_apps(APPS, "f")
    assert not directory.knows("wxA")  # ids are case-sensitive
    assert directory.open_account("wxA") is None
    assert directory.appid_of("gh_b") is None


def test_a_directory_can_be_made_of_accounts_alone() -> None:
    assert Directory({"wxa": "brand"}).knows("wxa")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("appid: wxb", "appid: wxa", "f:7:13: apps[1].appid"),
        ("kind: payment", "kind: payment, original_id: gh_a", "f:7:58: apps[1].original_id"),
        ("appid: wxb", "appid: 'wx b'", "f:7:13: apps[1].appid"),
        ("brand", "a.b", "f:6:19: apps[0].open_account"),
        ("gh_a", "wxa", "f:5:18: apps[0].original_id"),
        ("kind: payment", "kind: till", "f:7:36: apps[1].kind"),
        ("name: Till, ", "", "f:7:5: apps[1].name"),
        ("name: Till", "nam: x, name: y", "f:7:18: apps[1].nam"),
        ("    open_account: brand", "    open_account:", "f:6:5: apps[0].open_account"),
        (APPS, "apps: []", "f:1:7: apps"),
        (APPS, "{}", "f:1:1: apps"),
        (APPS, "", "f:1:1: file"),
        ("name: Till", "name: Till: x", "f:7:28: file"),
    ],
)
def test_a_problem_is_reported_at_its_place(old: str, new: str, expected: str) -> None:
    with pytest.raises(AppsInvalid) as caught:
        parse_apps(APPS.replace(old, new, 1), "f")
    assert place_of_one("apps", new or f"without {old}", caught.value.problems) == expected


def test_all_problems_are_reported_at_once() -> None:
    text = APPS.replace("payment", "x").replace("brand", "''").replace("wxb", "wxa")
    with pytest.raises(FileInvalid) as caught:
        parse_apps(text, "f")
    assert [p.where for p in caught.value.problems] == [
        "apps[0].open_account",
        "apps[1].appid",
        "apps[1].kind",
    ]
