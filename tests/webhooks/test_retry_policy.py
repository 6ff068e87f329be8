# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.webhooks.retry_policy import (
    REFUSALS_MAX,
    RefusalCount,
    Reply,
    Verdict,
    pause_ms,
    read_retry_after,
)

NOW_MS = 1_767_225_600_000  # Thu, 01 Jan 2026 00:00:00 GMT


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 202, 204), Verdict.DELIVERED),
        ((408, 425, 429, 500, 502, 503, None), Verdict.FAILED),
        ((301, 302, 307, 400, 401, 404, 410, 413, 422), Verdict.REFUSED),
    ],
)
def test_a_status_says_whether_to_try_again(
    statuses: tuple[int | None, ...], verdict: Verdict
) -> None:
    assert {Reply(status).verdict for status in statuses} == {verdict}


def test_pauses_double_up_to_five_minutes_and_half_of_each_is_chance() -> None:
    longest = [pause_ms(attempt, 0, 1.0) for attempt in (1, 2, 3, 8, 9, 10, 1_000)]
    assert longest == [1_000, 2_000, 4_000, 128_000, 256_000, 300_000, 300_000]
    assert pause_ms(3, 0, 0.0) == 2_000


@pytest.mark.parametrize(
    ("asked_ms", "pause"), [(0, 1_000), (500, 1_000), (7_000, 7_000), (10**9, 3_600_000)]
)
def test_a_receiver_may_ask_for_a_longer_pause_within_limits(asked_ms: int, pause: int) -> None:
    assert pause_ms(1, asked_ms, 1.0) == pause


@pytest.mark.parametrize(
    ("text", "after_ms"),
    [
        ("120", 120_000),
        ("0", 0),
        ("9" * 400, 3_600_000),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30_000),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30_000),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0),
        ("Fri, 01 Jan 2027 00:00:00 GMT", 3_600_000),
        *(
            (text, 0)
            for text in (None, "", "-1", "1.5", "soon", "²", "Thu, 41 Jan 2026 99:00:00 Z")
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, after_ms: int) -> None:
    assert read_retry_after(text, NOW_MS) == after_ms


@pytest.mark.parametrize(
    ("verdicts", "all_refused"),
    [
        ([Verdict.REFUSED] * (REFUSALS_MAX - 1), False),
        ([Verdict.REFUSED] * REFUSALS_MAX, True),
        ([Verdict.FAILED, *[Verdict.REFUSED] * REFUSALS_MAX, Verdict.FAILED], True),
        ([*[Verdict.REFUSED] * REFUSALS_MAX, Verdict.DELIVERED], False),
    ],
)
def test_only_refusals_in_a_row_are_the_receivers_fault(
    verdicts: list[Verdict], all_refused: bool
) -> None:
    count = RefusalCount()
    for verdict in verdicts:
        count.add(verdict)
    assert count.all_refused is all_refused
