# SPDX-License-Identifier: Apache-2.0
"""Strict parsing of JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.strict_json import DEPTH_MAX, parse_document
from tests.support.cases import each


def rejection(document: bytes) -> DeliveryRejected:
    with pytest.raises(DeliveryRejected) as caught:
        parse_document(document, "The body")
    assert caught.value.reason is RejectReason.MALFORMED
    return caught.value


def test_keys_are_trimmed_and_values_are_not() -> None:
    assert parse_document(b'{" OpenID": " o1 ", "b": {"c\\t": [1]}}', "The body") == {
        "OpenID": " o1 ",
        "b": {"c": [1]},
    }


@pytest.mark.parametrize(
    ("complaint", "document"),
    each(
        ("not JSON", b"", b"{", b"{}{}", b'{"a": "\xff"}', '{"a": 1}'.encode("utf-16")),
        ("not JSON", b'\xef\xbb\xbf{"a": 1}', b'{"a": "\\ud83d"}', b'{"a": "\x00"}'),
        ("NaN", b'{"a": NaN}'),
        ("Infinity", b'{"a": -Infinity}'),
        ("one JSON object", b"[]", b'"a"', b"null"),
        ("twice", b'{"a": 1, "a": 1}', b'{"a": 1, " a": 1}', b'{"b": [{"a": 1, "a": 2}]}'),
        ("64 bits", b'{"a": 9223372036854775808}', b'{"a": -9223372036854775809}'),
        ("64 bits", b'{"a": ' + b"9" * 100_000 + b"}"),
        ("levels deep", b'{"a":' * DEPTH_MAX + b"{}" + b"}" * DEPTH_MAX),
        ("levels deep", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("levels deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 100_000),
    ),
)
def test_what_could_mean_two_things_or_exhaust_us_is_rejected(
    document: bytes, complaint: str
) -> None:
    message = rejection(document).message
    assert complaint in message
    assert message.startswith("The body ")
    assert len(message) < 100


def test_the_limits_themselves_are_allowed() -> None:
    assert parse_document(b'{"a": [9223372036854775807, -9223372036854775808]}', "x") == {
        "a": [2**63 - 1, -(2**63)]
    }
    deep = b'{"a":' * (DEPTH_MAX - 1) + b"{}" + b"}" * (DEPTH_MAX - 1)
    assert parse_document(deep, "x")
    assert parse_document(b'{"a": "\\ud83d\\ude00"}', "x") == {"a": "😀"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.fuzz
@given(st.dictionaries(st.text(), _JSON))
def test_it_agrees_with_the_standard_parser_or_rejects(value: dict[str, object]) -> None:
    written = json.dumps(value)
    try:
        parsed = parse_document(written.encode(), "x")
    except DeliveryRejected:
        return
    trimmed = json.loads(
        written, object_pairs_hook=lambda pairs: {key.strip(): item for key, item in pairs}
    )
    assert parsed == trimmed
    assert not any(isinstance(v, float) and math.isnan(v) for v in value.values())


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_rejected(document: bytes) -> None:
    try:
        parsed = parse_document(document, "x")
    except DeliveryRejected:
        return
    assert type(parsed) is dict
