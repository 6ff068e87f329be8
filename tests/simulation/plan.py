# SPDX-License-Identifier: Apache-2.0
"""What one seed stands for: who publishes what and when, and what goes wrong.

A plan is plain data. The world carries it out with a second random sequence for the order of
steps, so that a plan can lose an event or a fault and still be carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from schemas import CONTRACTS, Event, binary_headers
from schemas.codec import encode_data
from stream.engine.model.limits import PAGE_BYTES_MAX, TAILS_BYTES_MAX
from stream.engine.model.ruleset import RuleBook
from stream.worker.partition_step import STEP_COST_MAX
from tests.simulation.books import BOOKS, Change, changed, effective
from tests.simulation.history import Published, busy_day, forgetting, history, long, seasons
from tests.support import lives

_USUAL_BOOKS = (*("opt_out", "opt_in", "cool", "pending", "goals", "classes", "nudged", "blocks"),)
SOURCE_PARTITIONS = 2
POISON = b'{"specversion": "1.0", "id": '


class Kind(StrEnum):
    """What can go wrong. ``subject`` and ``steps`` of a fault are explained with each."""

    KILL = "kill"  # worker ``subject`` dies where it stands, and comes back some steps later
    FREEZE = "freeze"  # worker ``subject`` stands still, loses its partitions, thaws as a zombie
    REBALANCE = "rebalance"  # the group deals its partitions anew
    BACKUP = "backup"  # the store is copied
    RESTORE = "restore"  # the store goes back to the last copy, or to nothing without one
    SHARD = "shard"  # the same for the one partition ``subject``


class Theme(StrEnum):
    """What a seed is about, besides faults."""

    ANY = "any"  # any events
    ERASE = "erase"  # people ask to be forgotten
    IDLE = "idle"  # people stay away until they are forgotten
    DEPLOY = "deploy"  # the rules change
    LONG = "long"  # lives of two years, much of which is heard months late


_THEMES = {Theme.ANY: 10, Theme.ERASE: 6, Theme.IDLE: 2, Theme.DEPLOY: 2}
_HISTORIES = {Theme.ERASE: forgetting, Theme.IDLE: seasons, Theme.LONG: long}
LONG_EVERY = 8  # seeds, one of which is about a long life


@dataclass(frozen=True)
class Input:
    """One publication of an event, or of something unreadable (``event`` is ``None``)."""

    number: int
    at: int  # ms
    topic: str
    partition: int
    event: Event | None

    @property
    def record(self) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
        """Value and headers."""
        if self.event is None:
            return POISON, ()
        event = self.event
        headers = binary_headers(event.type, event.id, event.source, event.time_ms)
        return encode_data(event.data), tuple(headers)


@dataclass(frozen=True)
class Fault:
    """Happens ``steps`` after the publication of input number ``after``."""

    after: int
    steps: int
    kind: Kind
    subject: int


@dataclass(frozen=True)
class Deployment:
    """A further version of the rules, published before input ``after``, known by ``until``."""

    after: int
    until: int
    change: Change
    effective_ms: int


@dataclass(frozen=True)
class Plan:
    """Everything about one run. Chances are between 0 and 1, for each occasion."""

    seed: int
    schedule: int  # seed of the order of steps
    inputs: tuple[Input, ...]
    faults: tuple[Fault, ...]
    rests: frozenset[int]  # after these inputs everything comes to rest and is checked
    book: str
    partitions: int
    skews_ms: tuple[int, ...]  # of each worker's clock, never ahead of ours
    pace: float  # chance of the next publication instead of another step
    stale: float  # chance that identify reads an origin as it once was
    lost_replies: float  # chance that the store's answer to a commit is lost and asked for again
    twice: float  # chance that a batch is appended again, its acknowledgement lost
    batch_records_max: int
    tick_limit: int
    last_rest_days: int  # days which pass at the end
    theme: Theme = Theme.ANY
    hasty: bool = False  # after a request to be forgotten nobody waits for a rest
    again: bool = False  # at the end everything is published once more
    deployment: Deployment | None = None
    tails_bytes_max: int = TAILS_BYTES_MAX  # beyond which touches go to pages
    page_bytes_max: int = PAGE_BYTES_MAX  # beyond which a page is split
    step_cost_max: int = STEP_COST_MAX  # beyond which the rest waits for the next commit

    @property
    def rules(self) -> RuleBook:
        """The book at the beginning."""
        return BOOKS[self.book]

    @property
    def new_rules(self) -> RuleBook:
        """The book once the deployment, if there is one, has begun."""
        deployed = self.deployment
        if deployed is None:
            return self.rules
        return changed(self.rules, deployed.change, deployed.effective_ms)

    @property
    def workers(self) -> int:
        return len(self.skews_ms)


def plan_of(seed: int) -> Plan:
    """The plan which a seed stands for, always the same."""
    random = Random(seed)
    (theme,) = random.choices([*_THEMES], [*_THEMES.values()])
    if seed % LONG_EVERY == LONG_EVERY - 1:
        theme = Theme.LONG
    inputs = _inputs(random, _HISTORIES.get(theme, history)(random))
    calm = random.random() < 0.2  # nothing but order, repetition and stale reads
    workers = random.randint(1, 4)
    deployment = _deployment(random, inputs) if theme is Theme.DEPLOY else None
    if deployment is not None:
        visits = busy_day(random, deployment.effective_ms, inputs[-1].at)
        inputs += _inputs(random, visits, len(inputs))
    return Plan(
        seed=seed,
        schedule=seed,
        inputs=inputs,
        faults=() if calm else _faults(random, len(inputs), workers, theme),
        rests=frozenset(random.sample(range(len(inputs)), random.randint(0, 2))),
        book=_book(random, theme),
        partitions=random.randint(1, 4),
        skews_ms=tuple(random.choice([0, 0, -1, -1000, -180_000]) for _ in range(workers)),
        pace=random.choice([0.02, 0.05, 0.15, 0.5]),
        stale=random.choice([0.0, 0.3, 0.9]),
        lost_replies=0.0 if calm else random.choice([0.0, 0.1]),
        twice=0.0 if calm else random.choice([0.0, 0.0, 0.1]),
        batch_records_max=random.choice([1, 3, 100]),
        tick_limit=random.choice([1, 2, 100]),
        last_rest_days=random.choice([0, 0, 3, 12, 70]),
        theme=theme,
        hasty=random.random() < 0.5,
        again=theme is Theme.ERASE and random.random() < 0.5,
        deployment=deployment,
        tails_bytes_max=random.choice([40, 40, TAILS_BYTES_MAX]),
        page_bytes_max=random.choice([60, 200, PAGE_BYTES_MAX]),
        step_cost_max=random.choice([2, 20, STEP_COST_MAX]),
    )


def _book(random: Random, theme: Theme) -> str:
    if theme is Theme.LONG:
        return random.choice([*lives.BOOKS])
    return "idle" if theme is Theme.IDLE else random.choice(_USUAL_BOOKS)


def _inputs(random: Random, published: list[Published], first: int = 0) -> tuple[Input, ...]:
    inputs = []
    for number, (at, event) in enumerate(sorted(published, key=lambda item: item[0]), first):
        topic = CONTRACTS[event.type].topics[0] if event else "wechat.pay"
        inputs.append(Input(number, at, topic, random.randrange(SOURCE_PARTITIONS), event))
    return tuple(inputs)


def _deployment(random: Random, inputs: tuple[Input, ...]) -> Deployment:
    after = random.randrange(len(inputs))
    until = min(after + random.choice([1, 3, 8]), len(inputs))
    change = random.choice([*Change])
    return Deployment(after, until, change, effective(random, inputs[until - 1].at))


def _faults(random: Random, inputs: int, workers: int, theme: Theme) -> tuple[Fault, ...]:
    """A handful of faults, of the few kinds which this seed is about."""
    possible = [*Kind]
    kinds = random.sample(possible, random.randint(1, 3))
    if Kind.RESTORE in kinds or Kind.SHARD in kinds:
        kinds.append(Kind.BACKUP)
    found = [
        Fault(
            random.randrange(inputs),
            random.choice([0, 3, 10, 30, 100]) + random.randrange(10),
            random.choice(kinds),
            random.randrange(max(workers, 4)),
        )
        for _ in range(random.randint(1, 10))
    ]
    return tuple(sorted(found, key=lambda fault: (fault.after, fault.steps)))
