# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.state import Answer, Consent, Enrolment, Evidence, OriginFacts, Posted


def test_a_balance_is_what_was_granted_and_neither_expired_nor_paid() -> None:
    posted = Posted({"spend@1": 30, "visit@1": 10}, {"spend@1": 5}, {"M1": 20, "M2": -1})
    assert posted.balance == 16
    assert Posted().balance == 0


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Enrolment(1, "M2"), Enrolment(2, "M1")),
        (Enrolment(1, "M1"), Enrolment(1, "M2")),
        (Consent(1, Answer.WITHDRAWN), Consent(2, Answer.GRANTED)),
        (Consent(1, Answer.GRANTED), Consent(1, Answer.WITHDRAWN)),
        (Evidence(1, "e2", "z"), Evidence(2, "e1", "a")),
        (Evidence(1, "e1", "z"), Evidence(1, "e2", "a")),
    ],
)
def test_time_decides_and_then_content(earlier: Enrolment, later: Enrolment) -> None:
    assert min(later, earlier) == earlier


def test_the_facts_of_no_two_origins_share_a_container() -> None:
    one, other = OriginFacts(), OriginFacts()
    one.attached.append(1)
    assert other.attached == []
