# SPDX-License-Identifier: Apache-2.0
"""Checks of the apps file's first-party sections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.brand.apps_schema import AppsFile, judge_apps
from stream.brand.clients import ClientKind, Right
from stream.brand.first_party_schema import ClientEntry, SessionsEntry, ShopEntry
from stream.brand.ticket_shops import Holds
from stream.yaml_config.problems import AppsInvalid
from tests.snapshots import place_of_one

DOCS = Path(__file__).parents[2] / "docs" / "first-party.md"
FILE = """\
apps:
  - {appid: wxa, name: A, kind: mini_program, open_account: brand, secret_env: A_SECRET}
sessions: {key_env: SESSION_KEY, previous_key_env: OLD_SESSION_KEY}
clients:
  - {id: till, name: T, kind: till, key_env: T_KEY, types: [payment.succeeded.v1], appids: [wxa]}
  - {id: sdk, name: S, kind: sdk, key_env: S_KEY, types: [page.viewed.v1], appids: [wxa]}
check_in:
  - organizer: abc
    user: pretix
    password_env: SHOP_PASSWORD
    api_url: https://tickets.abc.example
    api_token_env: SHOP_TOKEN
    question: WECHAT
    holds: session_token
""".replace("appids: [wxa]}", "appids: [wxa], mchids: ['1']}", 1)


def test_the_sections_are_read() -> None:
    model = judge_apps(FILE, "f")[1]

    assert [client.kind for client in model.clients] == [ClientKind.TILL, ClientKind.SDK]
    assert model.check_in[0].holds is Holds.SESSION_TOKEN
    assert model.sessions is not None


def test_a_file_may_do_without_them() -> None:
    model = judge_apps(FILE[: FILE.index("sessions")], "f")[1]

    assert (model.sessions, model.clients, model.check_in) == (None, (), ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: sdk", "id: till", "f:6:10: clients[1].id"),
        ("id: sdk", "id: a.b", "f:6:10: clients[1].id"),
        ("kind: till", "kind: shop", "f:5:31: clients[0].kind"),
        ("key_env: T_KEY, ", "", "f:5:5: clients[0].key_env"),
        ("T_KEY", "secret", "f:5:46: clients[0].key_env"),
        ("payment.succeeded.v1", "page.viewed.v1", "f:5:61: clients[0].types[0]"),
        (
            "types: [page.viewed.v1]",
            "types: [page.viewed.v1, order.placed.v1]",
            "f:6:75: clients[1].types[1]",
        ),
        ("types: [page.viewed.v1]", "types: []", "f:6:58: clients[1].types"),
        ("appids: [wxa], mchids", "appids: [wxb], mchids", "f:5:93: clients[0].appids[0]"),
        (", mchids: ['1']", "", "f:5:61: clients[0].types[0]"),
        ("mchids: ['1']", "mchids: ['1 ']", "f:5:108: clients[0].mchids[0]"),
        ("mchids: ['1']", "mchids: ['1'], rights: [all]", "f:5:123: clients[0].rights[0]"),
        ("api_url: https://", "api_url: ftp://", "f:11:14: check_in[0].api_url"),
        ("tickets.abc", "me@tickets.abc", "f:11:14: check_in[0].api_url"),
        ("abc.example", "abc.example/?a=b", "f:11:14: check_in[0].api_url"),
        ("organizer: abc", "organizer: a/b", "f:8:16: check_in[0].organizer"),
        ("user: pretix", "user: 'a:b'", "f:9:11: check_in[0].user"),
        ("holds: session_token", "holds: phone", "f:14:12: check_in[0].holds"),
        ("holds: session_token", "holds: openid", "f:14:12: check_in[0].holds"),
        ("holds: session_token", "holds: unionid", "f:14:12: check_in[0].holds"),
        ("holds: session_token", "holds: openid\n    appid: wxb", "f:15:12: check_in[0].appid"),
        (
            "holds: session_token",
            "holds: unionid\n    open_account: other",
            "f:15:19: check_in[0].open_account",
        ),
    ],
)
def test_a_problem_is_reported_at_its_place(old: str, new: str, expected: str) -> None:
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(FILE.replace(old, new, 1), "f")

    assert place_of_one("own endpoints", new or f"without {old}", caught.value.problems) == expected


CHANGES = "kind: till, key_env: T_KEY, types: [payment.succeeded.v1]"


def test_to_say_that_an_openid_has_changed_is_a_right_of_its_own() -> None:
    result = CHANGES.replace("till", "backend").replace("payment.succeeded", "openid.changed")
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(FILE.replace(CHANGES, result), "f")

    (problem,) = caught.value.problems
    assert problem.where == "clients[0].types[0]"
    assert "needs rights: [change_openid]" in str(problem)
    model = judge_apps(FILE.replace(CHANGES, f"{result}, rights: [change_openid]"), "f")[1]
    assert model.clients[0].rights == (Right.CHANGE_OPENID,)


def test_session_tokens_need_a_key() -> None:
    start, end = FILE.index("sessions"), FILE.index("clients")
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(FILE[:start] + FILE[end:], "f")

    assert [p.where for p in caught.value.problems] == ["clients[1].kind", "check_in[0].holds"]


def test_an_organizer_is_listed_once() -> None:
    shop = FILE[FILE.index("  - organizer") :]
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(FILE + shop, "f")

    assert [p.where for p in caught.value.problems] == ["check_in[1].organizer"]


def test_the_documentation_names_every_setting() -> None:
    named = set(re.findall(r"`([^`\n]+)`", DOCS.read_text(encoding="utf-8")))

    for model in (ClientEntry, SessionsEntry, ShopEntry):
        assert set(model.model_fields) <= named
    assert set(AppsFile.model_fields) == {"apps", "merchants", "sessions", "clients", "check_in"}
