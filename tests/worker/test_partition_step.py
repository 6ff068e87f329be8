# SPDX-License-Identifier: Apache-2.0
"""Deciding is no more than that: until the commit is in, a partition is what it was."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from fractions import Fraction

from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.engine.model.messages import (
    RULES_TO,
    CampaignEnded,
    FactReceived,
    Message,
    RulesChanged,
    encode,
)
from stream.engine.model.rule_versions import dump_book
from stream.engine.model.ruleset import Campaign
from stream.engine.model.ruling import RULES_NOTE
from stream.tables.base import Claim, Commit
from stream.worker.commit_units import cut
from stream.worker.in_process import LoggedRecord
from stream.worker.partition_step import PartitionLease, PartitionStep, StepContext
from tests.engine.build import MEI, purchase
from tests.scenarios.brand import rules
from tests.support.books import DAY, START

FIRST = rules()
SECOND = replace(
    FIRST,
    versions=(
        *FIRST.versions,
        replace(FIRST.versions[-1], version=2, effective_ms=START + 9 * DAY),
    ),
)


def twice(lease: PartitionLease, *said: tuple[str, Message]) -> Commit:
    """What messages come to, decided once more after the first commit has failed."""
    before = deepcopy(lease)
    records = [LoggedRecord(n, START, b"", encode(*message)) for n, message in enumerate(said)]
    (unit,) = cut(records, 0, 1)
    context = StepContext(TopicNames(), Pseudonyms(b"test", 1), "urn:test")
    first, second = (PartitionStep(context, lease, unit, {}).decide([], []) for _ in range(2))
    assert lease == before
    assert first == second
    return second


def lease_of_nothing() -> PartitionLease:
    return PartitionLease.of(0, 1, Claim(1, -1, START, 0, ()))


def test_a_commit_that_fails_leaves_the_rules_as_they_were() -> None:
    lease = lease_of_nothing()
    said = [RulesChanged(0, dump_book(FIRST)), RulesChanged(START, dump_book(SECOND))]
    commit = twice(lease, *((RULES_TO, message) for message in said))
    lease.learn(commit.notes)
    assert RULES_NOTE in commit.notes
    assert lease.rules is not None
    assert lease.rules.book == SECOND


def test_a_commit_that_fails_leaves_what_campaigns_have_granted_and_their_end() -> None:
    lease = lease_of_nothing()
    campaigns = (Campaign("weeks", 0, None, Fraction(3), budget=5),)
    begun = RulesChanged(0, dump_book(rules(campaigns=campaigns)))
    lease.learn(twice(lease, (RULES_TO, begun)).notes)
    assert lease.granted == {}
    bought = [(MEI, FactReceived(purchase(f"t{n}", 300, id_=f"e{n}"), "")) for n in range(2)]
    end = CampaignEnded("weeks", START + DAY)
    commit = twice(lease, bought[0], bought[1], (RULES_TO, end))
    lease.learn(commit.notes)
    assert lease.granted == {"weeks": 12}
    assert lease.rules is not None
    assert lease.rules.book.ended == {"weeks": START + DAY}
