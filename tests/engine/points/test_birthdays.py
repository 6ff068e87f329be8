# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stream.engine.model.birthday import Birthday
from stream.engine.model.calendar import SHANGHAI_MS, day_number, start_of
from stream.engine.model.state import OriginFacts, StatedBirthday
from stream.engine.points.birthdays import happened, stated, upcoming
from tests.scenarios.notation import at

SOLAR, LUNAR = Birthday(5, 1), Birthday(8, 15, lunar=True)


def said(day: str, birthday: Birthday) -> StatedBirthday:
    return StatedBirthday(at(day), birthday)


def day(instant: int) -> str:
    return f"{datetime.fromtimestamp((instant + SHANGHAI_MS) / 1000, UTC):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([("2026-03-01 08:00", SOLAR)], ["2026-05-01T00:00", "2027-05-01T00:00"]),
        ([("2026-05-01 08:00", SOLAR)], ["2026-05-01T08:00", "2027-05-01T00:00"]),
        ([("2026-05-02 00:00", SOLAR)], ["2027-05-01T00:00"]),
        ([("2026-03-01 08:00", LUNAR)], ["2026-09-25T00:00", "2027-09-15T00:00"]),
        # A correction holds from then on, and gives no second one in a year.
        ([("2026-03-01 08:00", SOLAR), ("2026-04-01 08:00", Birthday(6, 1))],
         ["2026-06-01T00:00", "2027-06-01T00:00"]),
        ([("2026-03-01 08:00", SOLAR), ("2026-05-02 08:00", Birthday(6, 1))],
         ["2026-05-01T00:00", "2027-06-01T00:00"]),
    ],
)  # fmt: skip
def test_a_birthday_comes_once_a_year_from_when_it_is_known(
    known: list[tuple[str, Birthday]], expected: list[str]
) -> None:
    statements = [said(*one) for one in known]
    until = at("2027-12-31 23:59")
    assert [day(instant) for instant in happened(statements, until)] == expected
    after = start_of(day_number(date(2027, 1, 1)))
    assert upcoming(statements, after) == at(expected[-1].replace("T", " "))


def test_what_two_origins_brought_is_known_once() -> None:
    one, other = said("2026-03-01 08:00", SOLAR), said("2026-03-02 08:00", LUNAR)
    facts = [OriginFacts(birthdays={b"a": one}), OriginFacts(birthdays={b"a": one, b"b": other})]
    assert stated(facts) == [one, other]
    assert stated([OriginFacts()]) == []
