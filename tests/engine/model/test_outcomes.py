# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.outcomes import Outcome


def test_outcomes_are_stored_by_these_names_and_stand_in_this_precedence() -> None:
    names = ["dead", "refused", "duplicate", "late", "parked", "member", "applied"]
    assert [str(outcome) for outcome in Outcome] == names
