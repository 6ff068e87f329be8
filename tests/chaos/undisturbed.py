# SPDX-License-Identifier: Apache-2.0
"""The same records through the same engine in one process, in order, each once."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial

from stream.brand.directory import load_apps
from stream.engine.model.ruleset import RuleBook
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.chaos.accounting import Facts, Reckoning
from tests.chaos.spool import Spool
from tests.support.snapshot import Snapshot, snapshot

_PROCESSES = 2
_RECORDS_AT_ONCE = 5_000


@dataclass
class Undisturbed:
    """What a run without faults arrives at."""

    result: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}, {}, {}))
    digests: dict[str, bytes] = field(default_factory=dict)  # of the facts, by entity
    reckoning: Reckoning = field(default_factory=Reckoning)

    def add(self, part: Undisturbed) -> None:
        """Go on with a part which has no person and no payment in common with those before."""
        entities = len(self.digests) + len(part.digests)
        for one in fields(Snapshot):
            getattr(self.result, one.name).update(getattr(part.result, one.name))
        self.digests.update(part.digests)
        self.reckoning.add(part.reckoning)
        assert len(self.digests) == entities, "the parts have something in common"


def undisturbed(spool: Spool, as_of: int) -> Undisturbed:
    """Each part in a process of its own when there are several; ``as_of`` (ms) is their now."""
    run, whole = partial(_part, spool, as_of), Undisturbed()
    if len(spool.parts) == 1:
        return run(spool.parts[0])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
        for part in pool.map(run, spool.parts):
            whole.add(part)
    return whole


def _part(spool: Spool, as_of: int, numbers: range) -> Undisturbed:
    book: RuleBook = load_rules(None)
    engine = LocalEngine(book, load_apps(None), partitions=4)
    for count, record in enumerate(spool.read(numbers), 1):
        engine.publish(record.topic, record.key, record.value, record.headers, as_of)
        if count % _RECORDS_AT_ONCE == 0:
            engine.settle()
    engine.settle()
    entities = engine.entities()
    facts = Facts.of(entities, book, as_of)
    assert not facts.doubled
    counts = engine.counts()
    reckoning = Reckoning.of(spool.read(numbers), facts, counts, book, as_of)
    return Undisturbed(snapshot(entities, book, as_of), facts.digests, reckoning)
