# SPDX-License-Identifier: Apache-2.0
"""A story which the engine answers otherwise must fail, or no story proves anything."""

from __future__ import annotations

import pytest

from tests.scenarios.story import play

PAYMENT = "2026-03-02 08:10  Mei@mp pays 12.00 for t1"
ENTRY = "> Mei@mp accrual +12 spend@1, balance 12"


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [ENTRY.replace("balance 12", "balance 11")],
        [ENTRY, "> Mei@mp offer lapsed"],
        [ENTRY, "> counts: duplicate +1"],
    ],
)
def test_a_story_with_wrong_answers_fails(answers: list[str]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"accrual \+12|offer lapsed|duplicate"):
        play("\n".join([PAYMENT, *answers]))


def test_the_same_story_with_the_right_ones_does_not() -> None:
    play(f"{PAYMENT}\n{ENTRY}")


def test_a_sentence_which_nobody_understands_is_no_silent_success() -> None:
    with pytest.raises(ValueError, match="notation"):
        play("2026-03-02 08:10  Mei@mp pays a visit")
    with pytest.raises(ValueError, match="story"):
        play("yesterday Mei@mp follows")
