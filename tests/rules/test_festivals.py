# SPDX-License-Identifier: Apache-2.0
"""Festivals beside two libraries, and on days that are known."""

from __future__ import annotations

from datetime import date

import pytest

from stream.engine.model.calendar import date_of
from stream.engine.model.lunar import FIRST_YEAR, LAST_YEAR
from stream.rules.festivals import FESTIVALS, festival_day
from tests.support.lunar_table import by_cnlunar, solar_by_sxtwl

LUNAR = [name for name, festival in FESTIVALS.items() if festival.lunar]


def on(name: str, year: int) -> date:
    day = festival_day(name, year)
    assert day is not None
    return date_of(day)


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_both_libraries_have_each_festival_on_its_day(year: int) -> None:
    for name in LUNAR:
        month, day, _ = FESTIVALS[name]
        assert on(name, year) == solar_by_sxtwl(year, month, False, day), name
        assert by_cnlunar(on(name, year)) == (year, month, False, day), name


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2026, "02-17 03-03 06-19 08-19 09-25 10-18"),
        (2027, "02-06 02-20 06-09 08-08 09-15 10-08"),
        (2033, "01-31 02-14 06-01 08-01 09-08 10-01"),
        (2044, "01-30 02-13 05-31 07-31 10-05 10-29"),  # Qixi is in the first seventh month
    ],
)
def test_festivals_on_days_that_are_known(year: int, days: str) -> None:
    assert " ".join(f"{on(name, year):%m-%d}" for name in LUNAR) == days


def test_the_solar_ones_have_no_end_and_the_lunar_ones_do() -> None:
    assert on("520", 2099) == date(2099, 5, 20)
    assert on("singles_day", 2011) == date(2011, 11, 11)
    assert festival_day("qixi", LAST_YEAR + 1) is None
    assert festival_day("qixi", FIRST_YEAR - 1) is None
