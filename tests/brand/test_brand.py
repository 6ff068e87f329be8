# SPDX-License-Identifier: Apache-2.0
"""The brand: keys from files and secrets from the environment, none of which is ever shown."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stream.brand.brand import Brand, load_brand
from stream.brand.forwarding import Forward
from stream.wechat.push.account import Mode
from stream.yaml_config.problems import AppsInvalid

SERIAL = "PUB_KEY_ID_0119000000012026030100000000000001"
APPS = f"""\
apps:
  - appid: wxa
    name: Official Account
    kind: official_account
    original_id: gh_a
    open_account: brand
    secret_env: A_SECRET
    unfollow: keep
    push:
      token_env: A_TOKEN
      aes_key_env: A_KEY
      previous_aes_key_env: A_OLD_KEY
      messages: customer_service
      forward_to: https://crm.example/push?tenant=SECRET-7
      forward: rest
  - appid: wxb
    name: Mini-program
    kind: mini_program
    push: {{token_env: B_TOKEN, mode: plain}}
merchants:
  - mchid: 1900000001
    name: Stores
    api_v3_key_env: PAY_KEY
    previous_api_v3_key_env: PAY_OLD_KEY
    keys:
      - {{serial: {SERIAL}, file: keys/pay.pem}}
    card_appids: {{pCard: wxa}}
    mall_appid: wxb
    coupon_appid: wxa
    mall_consent_text: mall-1
    forward_to: http://orders.example:8080/paid
"""
KEYS = {name: b64encode(name.encode() * 16).decode()[:43] for name in ("A_KEY", "A_OLD_KEY")}
ENVIRON = {
    **KEYS,
    "A_SECRET": "0123456789abcdef0123456789abcdef",
    "A_TOKEN": "tokenOfA",
    "B_TOKEN": "tokenOfB",
    "PAY_KEY": "k" * 32,
    "PAY_OLD_KEY": "o" * 32,
}


@pytest.fixture(scope="module")
def pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spki)


@pytest.fixture
def path(tmp_path: Path, pem: bytes) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "pay.pem").write_bytes(pem)
    path = tmp_path / "apps.yaml"
    path.write_text(APPS, encoding="utf-8")
    return path


def problems(path: Path, environ: dict[str, str]) -> list[str]:
    with pytest.raises(AppsInvalid) as caught:
        load_brand(path, environ)
    return [f"{p.where}: {p.message}" for p in caught.value.problems]


def test_everything_is_found(path: Path) -> None:
    brand = load_brand(path, ENVIRON)
    assert brand.directory.open_account("wxa") == "brand"
    assert set(brand.push) == {"wxa", "gh_a", "wxb"}
    account = brand.push["gh_a"]
    assert account is brand.push["wxa"]
    assert (account.appid, account.token, account.unfollow) == ("wxa", "tokenOfA", "keep")
    assert [len(key) for key in account.aes_keys] == [32, 32]
    assert (brand.push["wxb"].mode, brand.push["wxb"].aes_keys) == (Mode.PLAIN, ())
    merchant = brand.merchants["1900000001"]
    assert merchant.api_v3_keys == (b"k" * 32, b"o" * 32)
    assert merchant.key(SERIAL) is not None
    assert dict(merchant.card_appids) == {"pCard": "wxa"}
    assert (merchant.mall_appid, merchant.coupon_appid) == ("wxb", "wxa")
    assert merchant.mall_consent_text == "mall-1"
    assert brand.push["wxa"].desk_answers
    assert not brand.push["wxb"].desk_answers
    assert brand.forwards.push == {
        "wxa": Forward("https://crm.example/push?tenant=SECRET-7", everything=False)
    }
    assert brand.forwards.pay == {"1900000001": Forward("http://orders.example:8080/paid")}
    assert brand.secrets["wxa"].secret == ENVIRON["A_SECRET"]


def test_nothing_shows_a_secret(path: Path) -> None:
    shown = repr(load_brand(path, ENVIRON))
    assert not [name for name, secret in ENVIRON.items() if secret in shown]
    assert "SECRET-7" not in shown


def test_the_sample_needs_nothing() -> None:
    brand: Brand = load_brand(None, {})
    assert brand.directory.appids
    assert not brand.push
    assert not brand.merchants
    assert not brand.secrets


def test_a_secret_may_be_in_a_file(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("tokenOfA\n")
    environ = {k: v for k, v in ENVIRON.items() if k != "A_TOKEN"} | {"A_TOKEN_FILE": str(file)}
    assert load_brand(path, environ).push["wxa"].token == "tokenOfA"
    both = problems(path, {**environ, "A_TOKEN": "tokenOfA"})
    assert both == [
        "apps[0].push.token_env: A_TOKEN: set A_TOKEN, or A_TOKEN_FILE with a path; both are set"
    ]
    file.unlink()
    (missing,) = problems(path, environ)
    assert missing.startswith("apps[0].push.token_env: A_TOKEN: the file cannot be read (No such")
    file.write_bytes(b"\xff\xfe")
    (unreadable,) = problems(path, environ)
    assert "must hold the secret alone" in unreadable
    file.write_bytes(b"x" * 5000)
    (long,) = problems(path, environ)
    assert "has more than 4096 bytes" in long


def test_all_that_is_missing_is_reported_at_once(path: Path) -> None:
    (path.parent / "keys" / "pay.pem").unlink()
    found = [problem.split(": ")[0] for problem in problems(path, {})]
    assert found == [
        *("apps[0].secret_env", "apps[0].push.token_env", "apps[0].push.aes_key_env"),
        *("apps[0].push.previous_aes_key_env", "apps[1].push.token_env"),
        *("merchants[0].api_v3_key_env", "merchants[0].previous_api_v3_key_env"),
        "merchants[0].keys[0].file",
    ]


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("A_KEY", "short", "apps[0].push.aes_key_env"),
        ("A_TOKEN", "not a token!", "apps[0].push.token_env"),
        ("A_SECRET", "with a blank", "apps[0].secret_env"),
        ("PAY_KEY", "k" * 16, "merchants[0].api_v3_key_env"),
    ],
)
def test_what_cannot_be_a_secret_is_reported_and_not_shown(
    path: Path, name: str, value: str, where: str
) -> None:
    (problem,) = problems(path, {**ENVIRON, name: value})
    assert problem.startswith(f"{where}: {name}: ")
    assert value not in problem


def test_a_file_that_is_no_key_is_reported(path: Path) -> None:
    (path.parent / "keys" / "pay.pem").write_text("nothing")
    (problem,) = problems(path, ENVIRON)
    assert problem.startswith("merchants[0].keys[0].file: the file is neither a certificate nor")
