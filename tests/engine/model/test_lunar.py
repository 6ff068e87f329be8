# SPDX-License-Identifier: Apache-2.0
"""The table of the lunar calendar beside two libraries: sxtwl's astronomy and cnlunar's table."""

from __future__ import annotations

import inspect
from datetime import date

import pytest

from stream.engine.model import lunar
from stream.engine.model.calendar import date_of, day_number
from stream.engine.model.lunar import FIRST_YEAR, LAST_YEAR, LunarDate, day_of_lunar, lunar_date
from tests.support.lunar_table import DAY, by_cnlunar, by_sxtwl, solar_by_sxtwl, table

NEW_YEAR, END = date(2020, 1, 25), date(2057, 2, 4)


def day(*parts: int) -> int:
    return day_number(date(*parts))


def test_the_table_is_what_sxtwl_calculates() -> None:
    assert "\n".join(table(FIRST_YEAR, LAST_YEAR)) in inspect.getsource(lunar)


@pytest.mark.slow
def test_each_day_has_its_lunar_date_and_each_lunar_date_its_day() -> None:
    for number in range((END - NEW_YEAR).days):
        solar = NEW_YEAR + DAY * number
        known = lunar_date(day_number(solar))
        assert known is not None
        year, month, of_month, leap = known
        assert (year, month, leap, of_month) == by_sxtwl(solar) == by_cnlunar(solar), solar
        assert date_of(day_of_lunar(known) or 0) == solar
        assert solar_by_sxtwl(year, month, leap, of_month) == solar


@pytest.mark.parametrize(
    ("solar", "found"),
    [
        (day(2020, 1, 24), None),
        (day(2020, 1, 25), LunarDate(2020, 1, 1)),
        (day(2033, 9, 8), LunarDate(2033, 8, 15)),
        (day(2033, 12, 21), LunarDate(2033, 11, 30)),
        (day(2033, 12, 22), LunarDate(2033, 11, 1, leap=True)),  # old tables had a leap 7th month
        (day(2034, 2, 18), LunarDate(2033, 12, 30)),
        (day(2057, 2, 3), LunarDate(2056, 12, 30)),
        (day(2057, 2, 4), None),
    ],
)
def test_days_that_are_known_from_elsewhere(solar: int, found: LunarDate | None) -> None:
    assert lunar_date(solar) == found
    assert found is None or day_of_lunar(found) == solar


@pytest.mark.parametrize(
    "absent",
    [
        LunarDate(2026, 1, 0),
        LunarDate(2026, 2, 30),  # it has 29 days
        LunarDate(2026, 1, 31),
        LunarDate(2026, 13, 1),
        LunarDate(2026, 6, 1, leap=True),
        LunarDate(2019, 12, 1),
        LunarDate(2057, 1, 1),
    ],
)
def test_what_is_no_date_has_no_day(absent: LunarDate) -> None:
    assert day_of_lunar(absent) is None
