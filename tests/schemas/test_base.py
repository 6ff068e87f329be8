# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import (
    ConsumerRef,
    format_ms,
    format_time,
    origin_consumer_id,
    parse_consumer_id,
    parse_time,
    time_from_ms,
    time_ms,
    union_consumer_id,
)
from schemas.base import ConsumerId, Fen, Id, PersonId, Time, is_placeholder

ids = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True).filter(
    lambda id_: not is_placeholder(id_)
)


@pytest.mark.parametrize("value", ["a", "-_9", "x" * 128, "oR5GjjgEhCMJFyzaVZdrxZ2zRRF4"])
def test_ids_are_kept_as_they_are(value: str) -> None:
    assert TypeAdapter(Id).validate_python(value) == value


@pytest.mark.parametrize("value", ["", "x" * 129, " o1", "o1\n", "a.b", "é", "a/b", 7, None])
def test_ids_of_other_shapes_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(value, strict=True)


DEFAULTS = ["None", "NaN", "nil", "false", "True", "anonymous", "test", "unknown", "-1"]
DOCUMENTED = ["OPENID", "UNIONID", "fromUser", "FromUser", "toUser", "openid", "null", "Undefined"]


@pytest.mark.parametrize("value", [*DOCUMENTED, *DEFAULTS, "0", "x", "0" * 28, "------"])
def test_placeholders_are_no_people(value: str) -> None:
    with pytest.raises(ValidationError, match="placeholder"):
        TypeAdapter(PersonId).validate_python(value)
    with pytest.raises(ValidationError, match="placeholder"):
        TypeAdapter(ConsumerId).validate_python(f"origin.wx1.{value}")
    with pytest.raises(ValueError, match="placeholder"):
        union_consumer_id("main", value)


@given(ids, ids)
def test_consumer_ids_come_apart_as_they_were_put_together(scope: str, person: str) -> None:
    assert parse_consumer_id(union_consumer_id(scope, person)) == ("union", scope, person)
    assert parse_consumer_id(origin_consumer_id(scope, person)) == ConsumerRef(
        "origin", scope, person
    )


@pytest.mark.parametrize(
    "value",
    ["", "union.a", "union.a.b.c", "phone.a.b", "union..b", "union.a.", "union.a.b\n", "Union.a.b"],
)
def test_what_is_no_consumer_id(value: str) -> None:
    with pytest.raises(ValueError, match=r"must be union\."):
        parse_consumer_id(value)
    with pytest.raises(ValidationError):
        TypeAdapter(ConsumerId).validate_python(value)


def test_an_id_with_a_dot_cannot_shift_the_parts_of_a_consumer_id() -> None:
    with pytest.raises(ValueError, match=r"must be union\."):
        origin_consumer_id("wx.1", "o1")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T08:00:00.1239+08:00", "2026-03-01T00:00:00.123Z"),
        ("2026-03-01T08:00:00.123456789+08:00", "2026-03-01T00:00:00.123Z"),
        ("2026-03-01T08:00:00.1239999999999999999+08:00", "2026-03-01T00:00:00.123Z"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01t08:00:00.5+08:00", "2026-03-01T00:00:00.500Z"),
        ("2011-01-01T00:00:00Z", "2011-01-01T00:00:00.000Z"),
        ("2099-12-31T23:59:59.999Z", "2099-12-31T23:59:59.999Z"),
        ("2011-01-01T08:00:00+08:00", "2011-01-01T00:00:00.000Z"),
        ("2010-12-31T23:00:00-01:00", "2011-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_kept_to_the_millisecond(text: str, canonical: str) -> None:
    time = TypeAdapter(Time).validate_python(text)
    assert format_time(time) == canonical
    assert TypeAdapter(Time).dump_json(time) == f'"{canonical}"'.encode()
    assert parse_time(canonical) == time


@pytest.mark.parametrize(
    "value",
    [
        *("2026-03-01T08:00:00", "2026-03-01", "2026-03-01 08:00:00+08:00", "2026-W09-7T08:00:00Z"),
        *("20260301T080000Z", "2026-03-01T08:00Z", "2026-03-01T08:00:00,5Z"),
        *("2026-02-30T08:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T08:00:60Z"),
        *("2026-03-01T08:00:00+24:00", "٢٠٢٦-03-01T08:00:00Z", "2026-03-01T08:00:00Z\n"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2010-12-31T23:59:59.999Z"),
        *("2011-01-01T07:59:59+08:00", "2100-01-01T00:00:00Z", "2099-12-31T23:59:59-01:00"),
        *(1_772_323_200, 1_772_323_200.5, True, None, datetime(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_other_times_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_time(value)
    with pytest.raises(ValidationError):
        TypeAdapter(Time).validate_python(value)


@given(st.integers(min_value=1_293_840_000_000, max_value=4_102_444_799_999))
def test_milliseconds_survive_every_way_round(ms: int) -> None:
    time = time_from_ms(ms)
    assert time_ms(time) == ms
    assert time_ms(parse_time(format_time(time))) == ms
    assert format_ms(ms) == format_time(time)
    there = time.astimezone(timezone(timedelta(hours=8)))
    assert time_ms(parse_time(there.isoformat())) == ms


def test_aware_datetimes_pass_and_are_cut_to_milliseconds() -> None:
    given_time = datetime(2026, 3, 1, 0, 0, 0, 1999, tzinfo=UTC)
    assert parse_time(given_time) == datetime(2026, 3, 1, 0, 0, 0, 1000, tzinfo=UTC)


@pytest.mark.parametrize("value", [-1, 10**12 + 1, 1.0, "1", True, None, float("nan")])
def test_what_is_no_amount_of_fen(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Fen).validate_python(value, strict=True)
