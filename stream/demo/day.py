# SPDX-License-Identifier: Apache-2.0
"""Generate a day of two brands as Kafka records in order of arrival, with the expected figures.

No clock and no global randomness: the same arguments give the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from schemas.pay import PAYMENT_SUCCEEDED
from stream.demo import faults
from stream.demo.clock import Clock
from stream.demo.journal import Journal
from stream.demo.life import enrol, keep_birthday, live
from stream.demo.people import Consumer, crowd, missing_apps
from stream.demo.visits import visit
from stream.demo.wire import Happening, SourceRecord, to_record
from stream.engine.model.directory import Directory

EVENTS_PER_CONSUMER_MIN = 4


@dataclass(frozen=True)
class Expectation:
    """Figures that must come out, in whatever order the records are handled."""

    inputs: int
    bad: Mapping[str, int]  # reason -> dead letters
    refused_snapshot: int  # sessions of virtual users; consent may refuse more
    duplicates: int  # retries of payments and exact repetitions
    binds: Mapping[str, str]  # origin key -> union key, by the earliest evidence
    conflicts: int

    @property
    def dead(self) -> int:
        return sum(self.bad.values())


@dataclass(frozen=True)
class Day:
    """``records`` in order of arrival, and the expected figures."""

    records: list[SourceRecord]
    expectation: Expectation
    end_ms: int  # the last ms of the day


def yesterday(today: date) -> date:
    """The day before ``today``: none of its events is in the future."""
    return today - timedelta(days=1)


def generate(
    *,
    seed: int = 1,
    consumers: int = 2_000,
    events: int = 20_000,
    day: date,
    directory: Directory | None = None,
) -> Day:
    """Make ``events`` records of ``consumers`` people on ``day`` (a Shanghai day).

    Raises ``ValueError`` for sizes that do not go together, and for a directory without the
    sample's apps.
    """
    _check(consumers, events, directory)
    rng = Random(f"{seed}/{day.isoformat()}")
    journal = Journal(rng, Clock(rng, day))
    people = crowd(rng, consumers)
    special = _SpecialCounts.of(consumers, events)
    _write(journal, people, events - special.total, special)
    good = journal.happenings
    records = [to_record(happening, rng) for happening in good]
    models = _by_type(h for h in good if h.kind == "")
    wrong = [faults.bad(rng, number, models) for number in range(special.bad)]
    repeatable = [record for record in records if record.kind != faults.SNAPSHOT]
    records += [
        faults.again(record, rng, journal.clock.end)
        for record in rng.sample(repeatable, special.again)
    ]
    records += [faults.spoil(to_record(happening, rng)) for happening in wrong]
    records.sort(key=lambda record: record.time_ms)
    return Day(records, _expectation(records, good), journal.clock.end)


@dataclass(frozen=True)
class _SpecialCounts:
    """The number of records of each special kind."""

    bad: int
    again: int
    retries: int
    conflicts: int
    snapshots: int
    enrolments: int
    birthdays: int

    @classmethod
    def of(cls, consumers: int, events: int) -> _SpecialCounts:
        return cls(
            bad=max(len(faults.BAD_RECORDS), events // 1_000),
            again=events * 3 // 100,
            retries=max(1, events // 100),
            conflicts=max(2, consumers // 400),
            snapshots=max(2, consumers // 200),
            enrolments=max(2, consumers // 20),
            birthdays=max(1, consumers // 365),
        )

    @property
    def total(self) -> int:
        # a conflict is two logins
        return (
            self.bad
            + self.again
            + self.retries
            + 2 * self.conflicts
            + self.snapshots
            + self.enrolments
            + self.birthdays
        )


def _check(consumers: int, events: int, directory: Directory | None) -> None:
    if consumers < 20 or events < EVENTS_PER_CONSUMER_MIN * consumers:
        raise ValueError(
            "The day needs at least 20 consumers and "
            f"{EVENTS_PER_CONSUMER_MIN} events for each of them."
        )
    if directory is not None and (missing := missing_apps(directory)):
        raise ValueError(
            "The sample day uses the apps of the sample apps file; yours lacks "
            f"{', '.join(missing)}, or has them in another Open Platform account."
        )


def _write(
    journal: Journal, people: list[Consumer], everyday: int, special: _SpecialCounts
) -> None:
    rng = journal.rng
    for consumer in people:
        live(journal, consumer)
    weights = list(accumulate(consumer.liveliness for consumer in people))
    while len(journal.happenings) < everyday:
        for consumer in rng.choices(people, cum_weights=weights, k=64):
            visit(journal, consumer)
    del journal.happenings[everyday:]  # the last visits are cut off
    written = {h.data["transaction_id"] for h in _by_type(journal.happenings)[PAYMENT_SUCCEEDED]}
    for consumer in people:
        consumer.transactions = [t for t in consumer.transactions if t in written]
    for consumer in rng.sample(people, special.conflicts):
        faults.conflict(journal, consumer)
    for consumer in rng.sample(people, special.snapshots):
        faults.snapshot_login(journal, consumer)
    # The CRM enrols consumers who visit often, and some who do not.
    regulars = sorted(people, key=lambda consumer: -len(consumer.transactions))
    few, most = regulars[special.enrolments :], regulars[: special.enrolments]
    half = special.enrolments // 2
    for consumer in (*rng.sample(most, half), *rng.sample(few, special.enrolments - half)):
        enrol(journal, consumer)
    for consumer in rng.sample(people, special.birthdays):
        keep_birthday(journal, consumer)
    payments = _by_type(journal.happenings)[PAYMENT_SUCCEEDED]
    for payment in rng.sample(payments, min(special.retries, len(payments))):
        faults.retry(journal, payment)


def _by_type(happenings: Iterable[Happening]) -> dict[str, list[Happening]]:
    found: dict[str, list[Happening]] = defaultdict(list)
    for happening in happenings:
        found[happening.type].append(happening)
    return found


def _expectation(records: list[SourceRecord], good: list[Happening]) -> Expectation:
    kinds = Counter(record.kind for record in records)
    evidence: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for happening in good:
        if happening.claim is not None:
            origin, union = happening.claim
            mark = (happening.at_ms, happening.id)
            evidence[origin][union] = min(mark, evidence[origin].get(union, mark))
    return Expectation(
        inputs=len(records),
        bad={
            kind.removeprefix(faults.BAD): number
            for kind, number in sorted(kinds.items())
            if kind.startswith(faults.BAD)
        },
        refused_snapshot=kinds[faults.SNAPSHOT],
        duplicates=kinds[faults.AGAIN] + kinds[faults.RETRY],
        binds={
            origin: min(unions, key=lambda union: unions[union])
            for origin, unions in evidence.items()
        },
        conflicts=sum(len(unions) - 1 for unions in evidence.values()),
    )


__all__ = ["Day", "Expectation", "SourceRecord", "generate", "yesterday"]
