# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.calendar import day_of
from stream.engine.model.classes import Rfm
from stream.engine.points.classes.changes import Change
from stream.engine.points.classes.rfm import scores
from tests.engine.points.classes.test_changes import day

RFM = Rfm(r=(9, 2, 3, 99), f=(1, 1, 2, 9), m=(5, 10, 10, 20), window_days=12)


def said(changes: list[Change]) -> list[str]:
    return [f"{day_of(change.instant)} {change.value}" for change in changes]


def test_scores_by_borders_of_which_some_are_alike_or_out_of_the_window() -> None:
    recency, frequency, money = scores([day(1, 4), day(3, 6)], RFM)
    assert said(recency) == ["1 5", "3 4", "3 5", "5 4", "6 3", "12 2", "15 "]
    assert said(frequency) == ["1 3", "3 4", "13 3", "15 1"]
    assert said(money) == ["3 4", "13 2", "15 1"]
