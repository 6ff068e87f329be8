# SPDX-License-Identifier: Apache-2.0
"""Tables in memory of a deployment whose log has begun, as far as its rules."""

from __future__ import annotations

from stream.engine.model.messages import RulesChanged
from stream.engine.model.rule_versions import dump_book
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.ruling import RULES_NOTE, Rules, dump_rules
from stream.tables import NOTHING_APPLIED, Commit, MemoryTables, Tables
from stream.worker.in_process import drive


def tables_begun(partitions: int, book: RuleBook) -> MemoryTables:
    """Tables in which every partition knows its rules, and has applied nothing else."""
    tables = MemoryTables(partitions)
    drive(begin(tables, partitions, book))
    return tables


async def begin(tables: Tables, partitions: int, book: RuleBook) -> None:
    """Let every partition of empty tables know its rules."""
    notes = {RULES_NOTE: dump_rules(Rules(RulesChanged(0, dump_book(book)), book))}
    for partition, claim in (await tables.claim(range(partitions), 0, "begun")).items():
        at = NOTHING_APPLIED
        await tables.commit([Commit(partition, claim.epoch, at, at, 0, notes=notes)])
