# SPDX-License-Identifier: Apache-2.0
"""Only the fields of a table are extracted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay.extract import (
    extract,
    fen,
    list_of,
    object_of,
    one_of,
    stripped,
    time_of,
    timestamp,
    verbatim,
)

FIELDS = {
    "id": stripped,
    "note": verbatim,
    "total": fen,
    "at": timestamp,
    "scope": one_of("GLOBAL", "SINGLE"),
    "payer": object_of({"openid": stripped}),
    "goods": list_of({"goods_id": stripped}),
}


def test_what_no_table_names_stays_inside() -> None:
    payload = {
        "id": " 1 ",
        "name": "Mei",
        "note": " as it is ",
        "total": "2800",
        "at": "20260301081230",
        "scope": "SINGLE ",
        "payer": {"openid": "o1", "phone": "132"},
        "goods": [{"goods_id": "g1", "buyer": "Mei"}],
    }
    assert extract(payload, FIELDS) == {
        "id": "1",
        "note": " as it is ",
        "total": 2800,
        "at": "2026-03-01T08:12:30+08:00",
        "scope": "SINGLE",
        "payer": {"openid": "o1"},
        "goods": [{"goods_id": "g1"}],
    }


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_what_says_nothing_is_left_out(nothing: Any) -> None:
    assert extract({"id": nothing, "scope": nothing}, FIELDS) == {}
    assert extract({}, FIELDS) == {}


def test_a_word_of_another_list_is_left_out() -> None:
    assert extract({"scope": "UNIVERSAL"}, FIELDS) == extract({"scope": 5}, FIELDS) == {}


@pytest.mark.parametrize("value", [-5, 2.5, "12.50", "-5", "1e3", "１２", "9" * 16, True, [], {}])
def test_an_amount_that_is_none_is_left_for_the_model(value: Any) -> None:
    assert fen(value) == value
    assert type(fen(value)) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        *("2026-03-01T08:12:30+08:00", "2026-03-01T08:12:30.000+08:00", " 2026-03-01T00:12:30Z"),
        "20260301081230",
    ],
)
def test_all_forms_of_a_time_are_one_instant(value: str) -> None:
    assert time_of({"at": value}, "at") == datetime(2026, 3, 1, 0, 12, 30, tzinfo=UTC)


def test_milliseconds_are_kept() -> None:
    assert time_of({"at": "2026-03-01T08:12:30.120+08:00"}, "at").microsecond == 120_000


@pytest.mark.parametrize(
    "value", [None, "", "20261301081230", "2026-03-01 08:12:30", "2026-03-01", 1772323950, [], {}]
)
def test_what_is_no_time_is_rejected_with_its_place(value: Any) -> None:
    with pytest.raises(DeliveryRejected, match=r"\$\.at must be an RFC 3339 time") as caught:
        time_of({"at": value}, "at")
    assert caught.value.reason is RejectReason.MALFORMED


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), inner, max_size=5)
    ),
)


@pytest.mark.fuzz
@given(_ANY)
def test_anything_can_be_picked_from(payload: Any) -> None:
    picked = extract(payload, FIELDS)
    if type(payload) is dict:
        assert picked.keys() <= FIELDS.keys() & payload.keys()
    else:
        assert picked is payload
