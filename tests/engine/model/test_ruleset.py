# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.ruleset import RuleBook
from stream.engine.model.touchpoints import Touchpoint
from tests.support.books import BOOK, FIRST, SECOND


@pytest.mark.parametrize(
    ("time", "version"),
    [
        (FIRST.effective_ms - 1, None),
        (FIRST.effective_ms, FIRST),
        (SECOND.effective_ms - 1, FIRST),
        (SECOND.effective_ms, SECOND),
        (SECOND.effective_ms + 10**12, SECOND),
    ],
)
def test_the_version_in_force(time: int, version: object) -> None:
    assert BOOK.at(time) is version


@pytest.mark.parametrize(
    ("time", "change"),
    [
        (FIRST.effective_ms - 1, FIRST.effective_ms),
        (FIRST.effective_ms, SECOND.effective_ms),
        (SECOND.effective_ms, None),
    ],
)
def test_the_next_version(time: int, change: int | None) -> None:
    assert BOOK.next_change(time) == change


def test_a_book_without_versions_has_no_rules() -> None:
    assert RuleBook(()).at(0) is None
    assert RuleBook(()).next_change(0) is None


def test_rules_are_found_by_their_touchpoint_in_the_order_of_the_file() -> None:
    found = {t: [measure.name for measure in some] for t, some in FIRST.by_touchpoint.items()}
    assert found == {
        Touchpoint.PURCHASE: ["spend", "big"],
        Touchpoint.LOGIN: ["welcome"],
        Touchpoint.CHECK_IN: ["visit"],
        Touchpoint.PAGE_VIEW: ["browse"],
    }
