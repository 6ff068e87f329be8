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
from stream.engine.ruleset import RuleBook
from tests.simulation.books import BOOKS, Change, changed, effective
from tests.simulation.history import Published, forgetting, history, seasons, touches

_USUAL_BOOKS = ("opt_out", "opt_in", "cool")
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
    DEPLOY = "deploy"  # the rules change, one worker after another


_THEMES = {Theme.ANY: 10, Theme.ERASE: 6, Theme.IDLE: 2, Theme.DEPLOY: 2}
_HISTORIES = {Theme.ERASE: forgetting, Theme.IDLE: seasons}


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
    """A further version of the rules, from input ``after`` on; complete before input ``until``."""

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
    run_records_max: int
    tick_limit: int
    last_rest_days: int  # days which pass at the end
    theme: Theme = Theme.ANY
    hasty: bool = False  # after a request to be forgotten nobody waits for a rest
    again: bool = False  # at the end everything is published once more
    deployment: Deployment | None = None
    touches: tuple[Input, ...] = ()  # at the end, so that every account is settled once more

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
    inputs = _inputs(random, _HISTORIES.get(theme, history)(random))
    calm = random.random() < 0.2  # nothing but order, repetition and stale reads
    workers = random.randint(1, 4)
    deploys = theme is Theme.DEPLOY
    return Plan(
        seed=seed,
        schedule=seed,
        inputs=inputs,
        faults=() if calm else _faults(random, len(inputs), workers, theme),
        rests=frozenset(random.sample(range(len(inputs)), random.randint(0, 2))),
        book="idle" if theme is Theme.IDLE else random.choice(_USUAL_BOOKS),
        partitions=random.randint(1, 4),
        skews_ms=tuple(random.choice([0, 0, -1, -1000, -180_000]) for _ in range(workers)),
        pace=random.choice([0.02, 0.05, 0.15, 0.5]),
        stale=random.choice([0.0, 0.3, 0.9]),
        lost_replies=0.0 if calm else random.choice([0.0, 0.1]),
        twice=0.0 if calm else random.choice([0.0, 0.0, 0.1]),
        run_records_max=random.choice([1, 3, 100]),
        tick_limit=random.choice([1, 2, 100]),
        last_rest_days=random.choice([0, 0, 3, 12, 70]),
        theme=theme,
        hasty=random.random() < 0.5,
        again=theme is Theme.ERASE and random.random() < 0.5,
        deployment=_deployment(random, inputs) if deploys else None,
        touches=_inputs(random, touches(inputs[-1].at), len(inputs)) if deploys else (),
    )


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
    complete_ms = inputs[until - 1].at + 60_000  # events may be a minute ahead of the clock
    return Deployment(after, until, change, effective(change, complete_ms))


def _faults(random: Random, inputs: int, workers: int, theme: Theme) -> tuple[Fault, ...]:
    """A handful of faults, of the few kinds which this seed is about."""
    possible = [*Kind]
    if theme is Theme.DEPLOY:  # by other rules the log does not repeat what it was
        possible = [Kind.KILL, Kind.FREEZE, Kind.REBALANCE]
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
