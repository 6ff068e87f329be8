# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.birthday import Birthday, birthday_in, birthdays
from stream.engine.model.calendar import date_of, day_number
from stream.engine.model.lunar import FIRST_YEAR, LAST_YEAR, length_of, lunar_date


def day(*parts: int) -> int:
    return day_number(date(*parts))


@pytest.mark.parametrize(
    ("birthday", "year", "falls"),
    [
        (Birthday(7, 8), 2026, day(2026, 7, 8)),
        (Birthday(2, 29), 2028, day(2028, 2, 29)),
        (Birthday(2, 29), 2027, day(2027, 2, 28)),
        (Birthday(2, 29), 2100, day(2100, 2, 28)),
        (Birthday(8, 15, lunar=True), 2033, day(2033, 9, 8)),
        (Birthday(12, 8, lunar=True), 2026, day(2027, 1, 15)),  # the next solar year
        (Birthday(1, 30, lunar=True), 2026, day(2026, 3, 18)),
        (Birthday(2, 30, lunar=True), 2026, day(2026, 4, 16)),  # the 29th, there is no 30th
        (Birthday(6, 1, lunar=True, leap=True), 2025, day(2025, 7, 25)),
        (Birthday(6, 1, lunar=True), 2025, day(2025, 6, 25)),  # the first of two sixth months
        (Birthday(6, 1, lunar=True, leap=True), 2026, day(2026, 7, 14)),  # no leap month
        (Birthday(6, 30, lunar=True, leap=True), 2025, day(2025, 8, 22)),  # it has 29 days
        (Birthday(1, 1, lunar=True), 2057, None),
    ],
)
def test_a_birthday_falls_once_a_year(birthday: Birthday, year: int, falls: int | None) -> None:
    assert birthday_in(birthday, year) == falls


_LUNAR = st.builds(
    Birthday, st.integers(1, 12), st.integers(1, 30), lunar=st.just(True), leap=st.booleans()
)
_SOLAR = st.dates(date(2028, 1, 1), date(2028, 12, 31)).map(lambda d: Birthday(d.month, d.day))


@given(_LUNAR | _SOLAR, st.integers(FIRST_YEAR, LAST_YEAR))
def test_it_falls_on_its_day_or_where_that_is_missing_the_day_before(
    birthday: Birthday, year: int
) -> None:
    found = birthday_in(birthday, year)
    assert found is not None
    if not birthday.lunar:
        solar = date_of(found)
        assert (solar.year, solar.month) == (year, birthday.month)
        assert birthday.day - solar.day == (birthday.day == 29 and solar.day == 28)
        return
    kept = lunar_date(found)
    assert kept is not None
    assert (kept.year, kept.month) == (year, birthday.month)
    assert kept.leap is (birthday.leap and length_of(year, birthday.month, leap=True) > 0)
    assert kept.day == min(birthday.day, length_of(year, kept.month, leap=kept.leap))


@given(_LUNAR | _SOLAR, st.integers(0, 10_000), st.integers(0, 3_000))
def test_those_of_a_period_are_those_of_its_years(
    birthday: Birthday, offset: int, length: int
) -> None:
    first = day(2020, 6, 1) + offset
    years = (birthday_in(birthday, year) for year in range(2019, 2058))
    expected = [d for d in years if d is not None and first <= d < first + length]
    assert [*birthdays(birthday, first, first + length)] == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"month": 0, "day": 1}, {"month": 13, "day": 1}, {"month": 4, "day": 31},
        {"month": 2, "day": 30}, {"month": 1, "day": 0}, {"month": 1, "day": 31, "lunar": True},
        {"month": 1, "day": 1, "leap": True},
    ],
)  # fmt: skip
def test_what_no_year_has_is_no_birthday(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no year has the day"):
        Birthday(**parts)
    with pytest.raises(msgspec.ValidationError, match="no year has the day"):
        msgspec.convert(
            [parts.get(name, False) for name in ("month", "day", "lunar", "leap")], Birthday
        )
