# SPDX-License-Identifier: Apache-2.0
"""The festivals that rules may name, and on which day of a year each is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from stream.engine.model.calendar import day_number
from stream.engine.model.lunar import LunarDate, day_of_lunar


class Festival(NamedTuple):
    """A month and a day, by the lunar calendar or by the solar one."""

    month: int
    day: int
    lunar: bool = True


FESTIVALS: Final[Mapping[str, Festival]] = MappingProxyType(
    {
        "spring_festival": Festival(1, 1),  # 春节
        "lantern": Festival(1, 15),  # 元宵
        "dragon_boat": Festival(5, 5),  # 端午
        "qixi": Festival(7, 7),  # 七夕
        "mid_autumn": Festival(8, 15),  # 中秋
        "double_ninth": Festival(9, 9),  # 重阳
        "520": Festival(5, 20, lunar=False),
        "singles_day": Festival(11, 11, lunar=False),  # 双十一
    }
)


def festival_day(name: str, year: int) -> int | None:
    """Its day (since 1970-01-01) in a solar year; ``None`` outside the lunar table.

    After a leap month there is no second one: a festival is in the first of two months.
    """
    month, day, lunar = FESTIVALS[name]
    if lunar:
        return day_of_lunar(LunarDate(year, month, day))
    return day_number(date(year, month, day))
