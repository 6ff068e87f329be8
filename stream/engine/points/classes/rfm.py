# SPDX-License-Identifier: Apache-2.0
"""RFM scores from 1 to 5: recency, frequency and money, by the borders of a version."""

from __future__ import annotations

from collections.abc import Sequence

from stream.engine.model.classes import BEST, Rfm
from stream.engine.points.classes.bought import FEN, NUMBER, By, Day
from stream.engine.points.classes.changes import Change, aged, reached


def scores(days: Sequence[Day], rfm: Rfm) -> tuple[list[Change], list[Change], list[Change]]:
    """Each score as a digit; "" for recency when nothing was bought within the window."""
    borders = [border for border in rfm.r if border < rfm.window_days]
    over = len(borders)
    recency = [
        change._replace(value=str(BEST - change.value) if change.value <= over else "")
        for change in aged(days, [*borders, rfm.window_days])
    ]
    leaves = [here.day + rfm.window_days for here in days]
    return recency, _reached(days, leaves, rfm.f, NUMBER), _reached(days, leaves, rfm.m, FEN)


def _reached(
    days: Sequence[Day], leaves: Sequence[int], borders: Sequence[int], by: By
) -> list[Change]:
    return [
        change._replace(value=str(1 + change.value))
        for change in reached(days, leaves, borders, by)
    ]
