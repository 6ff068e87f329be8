# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from stream.engine.model.budgets import dump_granted, exhausted, granted_by, read_granted
from stream.engine.model.decision import Channel, Publish
from stream.engine.model.ruleset import Campaign, RuleBook, RuleSet
from tests.support.books import DAY, START

WEEKS = Campaign("weeks", START, None, Fraction(2), budget=10)
FIRST = RuleSet(1, START, {}, (WEEKS,))


def entry(kind: str, channel: Channel = Channel.LEDGER, **more: Any) -> Publish:
    return Publish(channel, "t", "id", "key", START, {"kind": kind, "points": 5, **more})


@pytest.mark.parametrize(
    ("output", "campaign"),
    [
        (entry("accrual", campaign="weeks"), "weeks"),
        (entry("clawback", campaign="weeks"), "weeks"),
        (entry("expiry", campaign="weeks"), ""),  # it was granted
        (entry("accrual"), ""),
        (entry("transfer_in"), ""),
        (entry("accrual", Channel.OFFERS, campaign="weeks"), ""),
    ],
)
def test_what_grants_or_takes_back_is_of_its_campaign(output: Publish, campaign: str) -> None:
    assert granted_by(output) == campaign


def test_sums_are_stored_as_they_are() -> None:
    assert read_granted(dump_granted({"b": -3, "a": 7})) == {"a": 7, "b": -3}


def book(*campaigns: Campaign, second: RuleSet | None = None) -> RuleBook:
    first = replace(FIRST, campaigns=campaigns)
    return RuleBook((first, second) if second else (first,))


LATER = RuleSet(2, START + 9 * DAY, {}, ())


@pytest.mark.parametrize(
    ("rules", "granted", "found"),
    [
        (book(WEEKS), 9, []),
        (book(WEEKS), 10, ["weeks"]),
        (book(replace(WEEKS, budget=None)), 99, []),
        (book(replace(WEEKS, ends_ms=START + DAY)), 10, []),
        (book(replace(WEEKS, ends_ms=START + DAY + 1)), 10, ["weeks"]),
        (book(WEEKS, second=LATER), 10, ["weeks"]),
        (book(WEEKS, second=replace(LATER, effective_ms=START + DAY)), 10, []),
        (book(second=replace(LATER, campaigns=(WEEKS,))), 10, ["weeks"]),  # before it begins
        (book(WEEKS, second=replace(LATER, campaigns=(replace(WEEKS, budget=99),))), 10, []),
    ],
    ids=str,
)
def test_what_is_exhausted_is_to_end_if_it_would_run_on(
    rules: RuleBook, granted: int, found: list[str]
) -> None:
    assert list(exhausted(rules, {"weeks": granted}, START + DAY)) == found


def test_a_campaign_that_has_ended_is_over_in_each_version_and_the_file_says_what_it_said() -> None:
    sooner = replace(WEEKS, ends_ms=START + DAY)
    rules = book(WEEKS, replace(sooner, id="sooner"), second=replace(LATER, campaigns=(WEEKS,)))
    ended = replace(rules, ended={"weeks": START + 2 * DAY, "sooner": START + 2 * DAY})
    assert ended.versions == rules.versions
    for time, ends in (
        (START, [START + 2 * DAY, START + DAY]),
        (START + 9 * DAY, [START + 2 * DAY]),
    ):
        in_force = ended.at(time)
        assert in_force is not None
        assert [campaign.ends_ms for campaign in in_force.campaigns] == ends
