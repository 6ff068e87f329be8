# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from tests.gateway.endpoints.build import MEI, NOW_S

OLD, NEW = b"old key, thirty-two bytes long...", b"new key, thirty-two bytes long..."
SESSION = Session("0123456789abcdef", *MEI, NOW_S + 7_200)


def test_what_was_encrypted_opens_again() -> None:
    tokens = SessionTokens([NEW])

    assert tokens.open(tokens.seal(SESSION, NOW_S)) == SESSION


def test_a_token_shows_nobody() -> None:
    token = SessionTokens([NEW]).seal(SESSION, NOW_S)

    assert MEI[1] not in token
    assert MEI[1] not in repr(SessionTokens([NEW]))


def test_tokens_of_the_previous_key_open_and_new_ones_are_of_the_current() -> None:
    both = SessionTokens([NEW, OLD])

    assert both.open(SessionTokens([OLD]).seal(SESSION, NOW_S)) == SESSION
    assert SessionTokens([NEW]).open(both.seal(SESSION, NOW_S)) == SESSION
    assert SessionTokens([OLD]).open(both.seal(SESSION, NOW_S)) is None


def test_a_changed_token_is_none_of_ours() -> None:
    tokens = SessionTokens([NEW])
    token = tokens.seal(SESSION, NOW_S)
    for at in range(0, len(token) - 4):
        other = "A" if token[at] != "A" else "B"
        assert tokens.open(token[:at] + other + token[at + 1 :]) is None


def test_ids_of_any_length_that_an_id_may_have_fit() -> None:
    tokens = SessionTokens([NEW])
    longest = Session("f" * 32, "w" * 128, "o" * 128, 2**33)

    assert tokens.open(tokens.seal(longest, NOW_S)) == longest


@given(st.one_of(st.text(), st.from_regex(r"gAAAA[A-Za-z0-9_-]{0,200}={0,2}", fullmatch=True)))
def test_any_text_is_no_token(text: str) -> None:
    assert SessionTokens([NEW]).open(text) is None
