# SPDX-License-Identifier: Apache-2.0
"""How many consumers are in each class that the rules know: level, stage, scores and tags."""

from __future__ import annotations

from collections import Counter

from stream.engine.points.balance import AccountView
from stream.report.figures.counts import Key


def class_figures(found: Counter[Key], view: AccountView) -> None:
    """Add one consumer; nobody has classes where the rules know none."""
    single = {name: view.classes[name] for name in ("tier", "lifecycle", "rfm")}
    for name, value in single.items():
        if value:
            found["classes", name, value, "consumers"] += 1
    for tag in view.classes["tags"]:
        found["classes", "tags", tag, "consumers"] += 1
