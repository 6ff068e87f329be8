# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.resolver.api_replies import BODY_BYTES_MAX, Verdict, person_id, read_reply, unionids_of
from tests.support.cases import each

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["errcode", "openid", "unionid", "user_info_list", "x"]), inner
        ),
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("status", "content", "verdict", "code"),
    [
        (200, b'{"unionid": "uMei"}', Verdict.OK, 0),
        (200, b'{"errcode": 0, "errmsg": "ok"}', Verdict.OK, 0),
        (200, b'{"errcode": -1}', Verdict.TRANSIENT, -1),
        (200, b'{"errcode": 45011}', Verdict.SLOWER, 45011),
        (200, b'{"errcode": 45009}', Verdict.QUOTA, 45009),
        (200, b'{"errcode": 42001}', Verdict.TOKEN, 42001),
        (200, b'{"errcode": 40001}', Verdict.TOKEN, 40001),
        (200, b'{"errcode": 40003}', Verdict.REFUSED, 40003),
        (200, b'{"errcode": 89300}', Verdict.REFUSED, 89300),
        (200, b'{"errcode": 40013}', Verdict.APP_REFUSED, 40013),
        (200, b'{"errcode": 89002}', Verdict.APP_REFUSED, 89002),
        (200, b'{"errcode": 123456}', Verdict.REFUSED, 123456),
        (200, b'{"errcode": "0"}', Verdict.TRANSIENT, 0),
        (200, b'{"errcode": false}', Verdict.TRANSIENT, 0),
        (200, b"<html>", Verdict.TRANSIENT, 0),
        (200, b"[]", Verdict.TRANSIENT, 0),
        (502, b'{"errcode": 0}', Verdict.TRANSIENT, 502),
        (302, b"", Verdict.TRANSIENT, 302),
        (429, b"", Verdict.SLOWER, 429),
        (200, b" " * (BODY_BYTES_MAX + 1), Verdict.TRANSIENT, 200),
    ],
)
def test_what_an_answer_means(status: int, content: bytes, verdict: Verdict, code: int) -> None:
    reply = read_reply(status, content)
    assert (reply.verdict, reply.code) == (verdict, code)


def test_a_reply_does_not_show_what_it_holds() -> None:
    assert "uMei" not in repr(read_reply(200, b'{"unionid": "uMei"}'))


@pytest.mark.parametrize(
    ("read", "given"),
    each(
        ("uMei", "uMei"),
        ("o6_bmasdasdsad6_2sgVt7hMZOPfL", " o6_bmasdasdsad6_2sgVt7hMZOPfL"),
        (None, "", "UNIONID", "unionid", "u Mei", "u" * 129, 7, None),
    ),
)
def test_a_placeholder_is_nobody(given: object, read: str | None) -> None:
    assert person_id(given) == read


def test_of_a_batch_those_are_read_who_have_a_union_id() -> None:
    infos = [
        *({"subscribe": 1, "openid": "oMei", "unionid": "uMei"}, {"subscribe": 0, "openid": "oLi"}),
        *({"subscribe": 1, "openid": "oWu", "unionid": ""}, "nonsense", {"unionid": "uNobody"}),
    ]
    assert unionids_of({"user_info_list": infos}) == {"oMei": "uMei"}


@pytest.mark.fuzz
@settings(max_examples=500)
@given(st.binary(max_size=200))
@example(b"[" * 100)
def test_any_bytes_are_a_reply(content: bytes) -> None:
    assert read_reply(200, content).verdict in Verdict


@pytest.mark.fuzz
@settings(max_examples=500)
@given(JSON)
def test_any_json_is_a_reply(content: object) -> None:
    try:
        raw = orjson.dumps(content)
    except TypeError:  # beyond 64 bits
        return
    reply = read_reply(200, raw)
    assert all(person_id(found) == found for found in unionids_of(reply.body).values())
