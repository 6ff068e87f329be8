"""The sections of the file of apps about the brand's own doors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.gateway.doors.clients import ClientKind
from stream.gateway.doors.shops import Holds
from stream.rules.apps_file import AppsFile, judge_apps
from stream.rules.doors_file import ClientEntry, SessionsEntry, ShopEntry
from stream.rules.problems import AppsInvalid

DOCS = Path(__file__).parents[2] / "docs" / "own-doors.md"
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
"""


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
        ("id: sdk", "id: till", "f:6:10: clients[1].id: 'till' is used above already"),
        ("id: sdk", "id: a.b", "f:6:10: clients[1].id: 'a.b' must be 1 to 32 of the characters"),
        ("kind: till", "kind: shop", "f:5:31: clients[0].kind: must be one of 'till'"),
        ("key_env: T_KEY, ", "", "f:5:5: clients[0].key_env: is missing"),
        ("T_KEY", "secret", "f:5:46: clients[0].key_env: 'secret' must name a variable"),
        (
            "payment.succeeded.v1",
            "page.viewed.v1",
            "f:5:61: clients[0].types[0]: clients of kind till do not report 'page.viewed.v1'",
        ),
        (
            "types: [page.viewed.v1]",
            "types: [page.viewed.v1, order.placed.v1]",
            "f:6:75: clients[1].types[1]: clients of kind sdk do not report 'order.placed.v1'",
        ),
        ("types: [page.viewed.v1]", "types: []", "f:6:58: clients[1].types: is empty"),
        ("appids: [wxa]}\n  - {id: sdk", "appids: [wxb]}\n  - {id: sdk", "f:5:93: clients[0].app"),
        ("api_url: https://", "api_url: ftp://", "f:11:14: check_in[0].api_url: must be an addr"),
        ("tickets.abc", "me@tickets.abc", "f:11:14: check_in[0].api_url: must be an address"),
        ("abc.example", "abc.example/?a=b", "f:11:14: check_in[0].api_url: must be an address"),
        ("organizer: abc", "organizer: a/b", "f:8:16: check_in[0].organizer: 'a/b' must be the"),
        ("user: pretix", "user: 'a:b'", "f:9:11: check_in[0].user: 'a:b' must be a user name"),
        ("holds: session_token", "holds: phone", "f:14:12: check_in[0].holds: must be one of"),
        ("holds: session_token", "holds: openid", "f:14:12: check_in[0].holds: an answer which"),
        ("holds: session_token", "holds: unionid", "f:14:12: check_in[0].holds: an answer which"),
        (
            "holds: session_token",
            "holds: openid\n    appid: wxb",
            "f:15:12: check_in[0].appid: no app 'wxb' is listed",
        ),
        (
            "holds: session_token",
            "holds: unionid\n    open_account: other",
            "f:15:19: check_in[0].open_account: no account 'other' is listed",
        ),
    ],
)
def test_a_problem_is_told_at_its_place(old: str, new: str, expected: str) -> None:
    with pytest.raises(AppsInvalid) as caught:
        judge_apps(FILE.replace(old, new, 1), "f")

    assert [str(p)[: len(expected)] for p in caught.value.problems] == [expected]


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
