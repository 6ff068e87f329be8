from __future__ import annotations

import pytest

from stream.engine.state import Consent, Enrolment, Evidence, Posted, Strand


def test_a_balance_is_what_was_granted_and_neither_expired_nor_paid() -> None:
    posted = Posted({"spend@1": 30, "visit@1": 10}, {"spend@1": 5}, {"M1": 20, "M2": -1})
    assert posted.balance == 16
    assert Posted().balance == 0


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Enrolment(1, "M2"), Enrolment(2, "M1")),
        (Enrolment(1, "M1"), Enrolment(1, "M2")),
        (Consent(1, True), Consent(2, False)),
        (Consent(1, False), Consent(1, True)),
        (Evidence(1, "e2", "z"), Evidence(2, "e1", "a")),
        (Evidence(1, "e1", "z"), Evidence(1, "e2", "a")),
    ],
)
def test_time_decides_and_then_content(earlier: Enrolment, later: Enrolment) -> None:
    assert min(later, earlier) == earlier


def test_no_two_strands_share_a_container() -> None:
    one, other = Strand(), Strand()
    one.attached.append(1)
    assert other.attached == []
