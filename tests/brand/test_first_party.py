# SPDX-License-Identifier: Apache-2.0
"""First-party configuration with its secrets, none of which is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.brand.brand import load_brand
from stream.yaml_config.problems import AppsInvalid
from tests.brand.test_first_party_schema import FILE

ENVIRON = {
    "A_SECRET": "0123456789abcdef0123456789abcdef",
    "SESSION_KEY": "session key, thirty-two characters",
    "OLD_SESSION_KEY": "older session key, as long as that",
    "T_KEY": "key of the till, thirty-two or more",
    "S_KEY": "key of the sdk, thirty-two or more.",
    "SHOP_PASSWORD": "twelve or more",
    "SHOP_TOKEN": "abcdefgh12345678",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "apps.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def problems(path: Path, environ: dict[str, str]) -> list[str]:
    with pytest.raises(AppsInvalid) as caught:
        load_brand(path, environ)
    return [f"{p.where}: {p.message}" for p in caught.value.problems]


def test_everything_is_found(path: Path) -> None:
    first_party = load_brand(path, ENVIRON).first_party

    assert first_party.session_keys == tuple(
        ENVIRON[name].encode() for name in ("SESSION_KEY", "OLD_SESSION_KEY")
    )
    till = first_party.clients["till"]
    assert till.keys == (ENVIRON["T_KEY"].encode(),)
    assert (till.types, till.appids) == (frozenset({"payment.succeeded.v1"}), frozenset({"wxa"}))
    shop = first_party.shops["abc"]
    assert (shop.user, shop.passwords, shop.api_token) == (
        "pretix",
        (ENVIRON["SHOP_PASSWORD"],),
        ENVIRON["SHOP_TOKEN"],
    )


def test_nothing_shows_a_secret(path: Path) -> None:
    shown = repr(load_brand(path, ENVIRON))

    assert not [name for name, secret in ENVIRON.items() if secret in shown]


def test_the_sample_has_no_first_party_endpoints() -> None:
    first_party = load_brand(None, {}).first_party

    assert not first_party.clients
    assert not first_party.shops
    assert not first_party.session_keys


@pytest.mark.parametrize(
    ("name", "secret", "expected"),
    [
        ("T_KEY", "short", "clients[0].key_env: T_KEY: must have at least 32 characters"),
        ("T_KEY", "ü" * 40, "clients[0].key_env: T_KEY: must have at least 32 characters"),
        ("SESSION_KEY", "short", "sessions.key_env: SESSION_KEY: must have at least 32"),
        ("SHOP_PASSWORD", "short", "check_in[0].password_env: SHOP_PASSWORD: must have at least"),
        ("SHOP_TOKEN", "a b", "check_in[0].api_token_env: SHOP_TOKEN: an API token has letters"),
    ],
)
def test_a_bad_secret_is_reported_and_not_shown(
    path: Path, name: str, secret: str, expected: str
) -> None:
    (found,) = problems(path, ENVIRON | {name: secret})

    assert found.startswith(expected)
    assert secret not in found


def test_no_client_has_the_key_of_another(path: Path) -> None:
    assert problems(path, ENVIRON | {"S_KEY": ENVIRON["T_KEY"]}) == [
        "clients[1].key_env: is also the key of 'till'; give each client its own"
    ]


def test_all_that_is_missing_is_reported_at_once(path: Path) -> None:
    assert [problem.split(": ")[0] for problem in problems(path, {})] == [
        *("apps[0].secret_env", "sessions.key_env", "sessions.previous_key_env"),
        *("clients[0].key_env", "clients[1].key_env", "check_in[0].password_env"),
        "check_in[0].api_token_env",
    ]
