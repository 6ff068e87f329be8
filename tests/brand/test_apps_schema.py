# SPDX-License-Identifier: Apache-2.0
"""The apps file's checks, and the settings that docs/apps.md lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.brand.apps_schema import (
    AppEntry,
    KeyEntry,
    MerchantEntry,
    PushEntry,
    judge_apps,
    read_apps,
)
from stream.yaml_config.problems import AppsInvalid
from tests.snapshots import place_of_one

DOCS = Path(__file__).parents[2] / "docs" / "apps.md"
APPS = """\
apps:
  - appid: wxa
    name: Official Account
    kind: official_account
    open_account: brand
    push: {token_env: A_TOKEN, aes_key_env: A_KEY}
  - {appid: wxb, name: Till, kind: payment}
merchants:
  - mchid: 1900000001
    name: Stores
    api_v3_key_env: PAY_KEY
    keys:
      - {serial: "12345678", file: a.pem}
    card_appids: {pCard: wxa}
    mall_appid: wxb
"""
MOVED = "open_account: brand\n    former_open_account: old\n    moved_at: 2026-09-01\n"


def test_a_number_needs_no_quotes() -> None:
    _, model = judge_apps(APPS, "f")
    assert model.merchants[0].mchid == "1900000001"
    assert model.merchants[0].keys[0].serial == "12345678"


@pytest.mark.parametrize("kind", ["official_account", "mini_program", "mobile_app", "website"])
def test_wechat_pushes_messages_of(kind: str) -> None:
    _, model = judge_apps(APPS.replace("kind: official_account", f"kind: {kind}"), "f")
    assert model.apps[0].push is not None


def test_the_sample_has_no_secrets() -> None:
    _, model = read_apps(None)
    assert model.merchants == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("A_TOKEN", "a_token", "f:6:23: apps[0].push.token_env"),
        ("A_TOKEN", "A_FILE", "f:6:23: apps[0].push.token_env"),
        (", aes_key_env: A_KEY", "", "f:6:11: apps[0].push"),
        ("kind: official_account", "kind: payment", "f:6:11: apps[0].push"),
        (
            "aes_key_env: A_KEY",
            "aes_key_env: A_KEY, component_appid: wxp",
            "f:6:69: apps[0].push.component_appid",
        ),
        ("open_account: brand", "open_account: wxb", "f:5:19: apps[0].open_account"),
        (
            "open_account: brand\n",
            "open_account: brand\n    moved_at: 2026-09-01\n",
            "f:2:5: apps[0]",
        ),
        (
            "open_account: brand\n",
            MOVED.replace("old", "brand"),
            "f:6:26: apps[0].former_open_account",
        ),
        (
            "open_account: brand\n",
            MOVED.replace("open_account: brand\n    ", "", 1),
            "f:2:5: apps[0]",
        ),
        ("mall_appid: wxb", "mall_appid: wxc", "f:15:17: merchants[0].mall_appid"),
        ("pCard: wxa", "pCard: wxc", "f:14:26: merchants[0].card_appids.pCard"),
        ("{serial", "{x: y, serial", "f:13:10: merchants[0].keys[0].x"),
        ("1900000001", "true", "f:9:12: merchants[0].mchid"),
        ("A_KEY}", "A_KEY, messages: people}", "f:6:62: apps[0].push.messages"),
        ("A_KEY}", "A_KEY, forward: rest}", "f:6:61: apps[0].push.forward"),
        (
            "PAY_KEY",
            "PAY_KEY\n    forward_to: ftp://crm.example/",
            "f:12:17: merchants[0].forward_to",
        ),
    ],
)
def test_a_problem_is_reported_at_its_place(old: str, new: str, expected: str) -> None:
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(APPS.replace(old, new, 1), "f")
    assert place_of_one("merchants", new or f"without {old}", caught.value.problems) == expected


def test_a_merchant_and_its_keys_are_listed_once() -> None:
    keys = '      - {serial: "12345678", file: a.pem}\n'
    merchant = APPS[APPS.index("  - mchid") :]
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(APPS.replace(keys, keys * 2) + merchant, "f")
    assert [p.where for p in caught.value.problems] == [
        "merchants[0].keys[1].serial",
        "merchants[1].mchid",
    ]


def examples() -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("example", examples())
def test_each_example_in_the_documentation_is_valid(example: str) -> None:
    assert judge_apps(example, "docs")[1].apps


def test_the_documentation_names_every_setting() -> None:
    assert len(examples()) == 3
    named = set(re.findall(r"`([^`\n]+)`", DOCS.read_text(encoding="utf-8")))
    for model in (AppEntry, PushEntry, KeyEntry, MerchantEntry):
        assert set(model.model_fields) <= named
