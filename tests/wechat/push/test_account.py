# SPDX-License-Identifier: Apache-2.0
"""Accounts and their secrets."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.push.account import Mode, PushAccount, aes_key, checked_token

KEY = b64encode(bytes(range(32))).decode().rstrip("=")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_32_bytes_in_43_characters(key: bytes) -> None:
    assert aes_key(b64encode(key).decode().rstrip("=")) == key


def test_the_last_two_bits_of_a_key_do_not_matter() -> None:
    assert len({aes_key(KEY[:-1] + last) for last in "89+/"}) <= 2
    assert aes_key("a" * 42 + "9") == aes_key("a" * 42 + "8")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("", "has 43 characters, this has 0"),
        (KEY + "=", "has 43 characters, this has 44"),
        (KEY[:-1], "has 43 characters, this has 42"),
        (KEY[:-1] + "-", "only letters and digits"),
        (KEY[:-1] + "\n", "only letters and digits"),
        ("键" * 43, "only letters and digits"),
    ],
)
def test_a_wrong_key_is_reported_and_not_shown(wrong: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        aes_key(wrong)
    assert len(wrong) == 0 or wrong not in str(caught.value)


def test_a_token_is_letters_and_digits() -> None:
    assert checked_token("abc") == "abc"
    assert checked_token("A1" * 16) == "A1" * 16


@pytest.mark.parametrize("wrong", ["", "ab", "a" * 33, "secret-token", "abc\n", "口令口令"])
def test_a_wrong_token_is_reported_and_not_shown(wrong: str) -> None:
    with pytest.raises(ValueError, match="3 to 32 letters and digits") as caught:
        checked_token(wrong)
    assert not wrong or wrong not in str(caught.value)


def test_an_account_shows_no_secret() -> None:
    account = PushAccount(
        "wxabc", "gh_abc", "official_account", token="verysecret", aes_keys=(b"K" * 32,)
    )
    assert repr(account) == (
        "PushAccount(appid='wxabc', original_id='gh_abc', kind='official_account', "
        "mode=<Mode.SAFE: 'safe'>, unfollow='pause', component_appid=None, desk_answers=False)"
    )


@pytest.mark.parametrize("mode", [Mode.SAFE, Mode.COMPATIBLE])
def test_a_mode_with_encryption_needs_a_key(mode: Mode) -> None:
    with pytest.raises(ValueError, match=f"mode {mode} needs an EncodingAESKey"):
        PushAccount("wxabc", "gh_abc", "official_account", token="abc", mode=mode)


def test_plain_mode_needs_no_key() -> None:
    account = PushAccount("wxabc", None, "mini_program", token="abc", mode=Mode.PLAIN)
    assert account.aes_keys == ()
