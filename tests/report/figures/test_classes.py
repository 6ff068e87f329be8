# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter

from stream.engine.model.classes import UNCLASSED
from stream.engine.points.balance import AccountView
from stream.report.figures.classes import class_figures
from stream.report.figures.counts import Key


def test_a_consumer_is_in_each_class_and_has_each_tag() -> None:
    found = Counter[Key]()
    classes = {"tier": "gold", "lifecycle": "new", "rfm": "", "tags": ("regular", "lately")}
    class_figures(found, AccountView(classes=classes))
    class_figures(found, AccountView(classes={**UNCLASSED, "tags": ("regular",)}))
    class_figures(found, AccountView())
    assert found == {
        ("classes", "tier", "gold", "consumers"): 1,
        ("classes", "lifecycle", "new", "consumers"): 1,
        ("classes", "tags", "regular", "consumers"): 2,
        ("classes", "tags", "lately", "consumers"): 1,
    }
