# SPDX-License-Identifier: Apache-2.0
"""What experiments show: who signed up, and who came back, of those who qualified for an offer."""

from __future__ import annotations

from collections import Counter
from typing import Final

from stream.engine.model.calendar import day_of
from stream.engine.points.balance import AccountView
from stream.report.figures.counts import Key
from stream.report.figures.eligibility import Eligibility
from stream.report.figures.history import History

#: Days from the one on which somebody qualified; who has not had them is not counted yet.
WITHIN_DAYS: Final = 30
#: Without a purchase for longer, a customer is silent.
SILENT_DAYS: Final = 90


def experiment_figures(
    found: Counter[Key], one: Eligibility, view: AccountView, past: History, as_of: int
) -> None:
    """Add somebody who has qualified."""
    name, group = one.experiment, one.group
    if group == "several":
        found["not_compared", name, "several"] += 1
        return
    found["sample", name, f"{one.percent:02d}", group] += 1
    found["not_compared", name, "crossed"] += one.crossed
    if day_of(as_of) - one.day <= WITHIN_DAYS:
        found["not_compared", name, "too_early"] += 1
        return
    joined = view.enrolment is not None and day_of(view.enrolment.time) <= one.day + WITHIN_DAYS
    found["uplift", name, group, "eligible"] += 1
    found["uplift", name, group, "signed_up" if joined else "not_signed_up"] += 1
    before = max((day for day in past.purchases if day <= one.day), default=one.day)
    if one.day - before > SILENT_DAYS:
        back = any(one.day < day <= one.day + WITHIN_DAYS for day in past.purchases)
        found["reactivation", name, group, "silent"] += 1
        found["reactivation", name, group, "back" if back else "not_back"] += 1
