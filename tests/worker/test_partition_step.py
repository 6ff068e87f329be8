"""Deciding is no more than that: until the commit is in, a partition is what it was."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.engine.model.messages import RULES_TO, RulesChanged, encode
from stream.engine.model.rule_versions import dump_book
from stream.engine.model.ruling import RULES_NOTE
from stream.tables.base import Claim, Commit
from stream.worker.commit_units import cut
from stream.worker.in_process import LoggedRecord
from stream.worker.partition_step import PartitionLease, PartitionStep, StepContext
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


def test_a_commit_that_fails_leaves_the_rules_as_they_were() -> None:
    lease = PartitionLease.of(0, 1, Claim(1, -1, START, 0, ()))
    said = [RulesChanged(0, dump_book(FIRST)), RulesChanged(START, dump_book(SECOND))]
    records = [LoggedRecord(n, START, b"", encode(RULES_TO, m)) for n, m in enumerate(said)]
    (unit,) = cut(records, 0, 1)
    before = deepcopy(lease)

    context = StepContext(TopicNames(), Pseudonyms(b"test", 1), "urn:test")

    def commit() -> Commit:
        return PartitionStep(context, lease, unit, {}).decide([], [])

    first = commit()
    assert lease == before
    assert commit() == first
    lease.learn(first.notes)
    assert RULES_NOTE in first.notes
    assert lease.rules is not None
    assert lease.rules.book == SECOND
