# SPDX-License-Identifier: Apache-2.0
"""The core on its own: entities in a dict, messages in queues, no Kafka, no Redis, no shell.

Each partition delivers in order; which partition goes next is the caller's random choice. State
is encoded and decoded at each step, and routing may see an origin as it was some time ago.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from schemas import CONTRACTS, Event, format_ms
from stream.engine.audit.verify import Violation, origins_of, violations
from stream.engine.decide import decide
from stream.engine.intake.event_to_messages import route
from stream.engine.model.classes import Classes
from stream.engine.model.decision import Channel, Decision, Publish, Send
from stream.engine.model.directory import Directory
from stream.engine.model.messages import ErasureMark, Message, Refuse, Tick, decode, encode
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Erased, Origin
from stream.engine.model.time_checks import Rejected
from stream.engine.points.balance import evaluate
from stream.engine.points.offer_blocks import Live, live_offer
from stream.engine.storage.codec import dump_entity, load_entity
from tests.support.snapshot import spent
from tests.support.traits import is_customer, nudged, told


@dataclass
class World:
    book: RuleBook
    directory: Directory
    random: Random = field(default_factory=lambda: Random(0))
    partitions: int = 3
    stale: bool = True
    entities: dict[str, bytes] = field(default_factory=dict)
    published: list[Publish] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dead: list[Rejected] = field(default_factory=list)
    due: dict[str, int] = field(default_factory=dict)
    clock: int = 0
    on_commit: Callable[[str], None] = lambda key: None

    def __post_init__(self) -> None:
        self.queues: list[deque[bytes]] = [deque() for _ in range(self.partitions)]
        self.history: dict[str, list[bytes | None]] = defaultdict(list)

    # input -----------------------------------------------------------------------------------

    def publish(self, event: Event, now_ms: int) -> None:
        routed = route(event, self._read, self.directory, self.book.horizons, now_ms, now_ms)
        if isinstance(routed, Rejected):
            self.dead.append(routed)
            return
        for send in routed:
            self._enqueue(send)

    def run(self, events: Sequence[tuple[Event, int]], until: int) -> None:
        """Publish ``(event, arrival time)`` in this order, with steps in between, then settle."""
        for event, at in events:
            self.clock = max(self.clock, at)
            self.publish(event, until)
            for _ in range(self.random.randrange(4)):
                self.step()
        self.settle()
        self.advance(until)

    # running ---------------------------------------------------------------------------------

    def step(self) -> bool:
        """Deliver one message of some partition; whether there was one."""
        waiting = [queue for queue in self.queues if queue]
        if not waiting:
            return False
        self._deliver(*decode(self.random.choice(waiting).popleft()))
        return True

    def settle(self) -> None:
        steps = 0
        while self.step():
            steps += 1
            assert steps < 100_000, "messages go round in circles"

    def advance(self, to_ms: int) -> None:
        """Let time pass: whoever is due gets a tick at that very instant."""
        while True:
            waiting = [(at, key) for key, at in self.due.items() if at <= to_ms]
            if not waiting:
                break
            at, key = min(waiting)
            self.clock = max(self.clock, at)
            self._deliver(key, Tick(1))
            self.settle()
        self.clock = max(self.clock, to_ms)

    def _deliver(self, key: str, message: Message) -> None:
        before = self.entities.get(key)
        state = load_entity(key, before) if before is not None else None
        decision = decide(key, state, message, self.book, self.clock, self._erased(key))
        self.counts.update(decision.counts)
        for output in decision.outputs:
            if isinstance(output, Send):
                self._enqueue(output)
            else:
                self._accept(output)
        if decision.changed:
            self._write(key, decision)
        elif before is not None:
            assert decision.state is not None
            assert dump_entity(load_entity(key, before)) == dump_entity(decision.state)
        self.on_commit(key)

    def _write(self, key: str, decision: Decision) -> None:
        self.due.pop(key, None)
        if decision.state is None:
            self.entities.pop(key, None)
            self.history[key].append(None)
            return
        self.entities[key] = dump_entity(decision.state)
        self.history[key].append(self.entities[key])
        if decision.due is not None:
            self.due[key] = decision.due

    def _accept(self, output: Publish) -> None:
        contract = CONTRACTS[output.type]
        contract.adapter.validate_python(dict(output.data))
        assert all(p.id != output.id for p in self.published if p.key == output.key), output
        self.published.append(output)

    def _enqueue(self, send: Send) -> None:
        partition = sum(send.to.encode()) % self.partitions
        nameless = isinstance(send.message, ErasureMark | Refuse)
        to = f"erased.{send.to}" if nameless else send.to
        self.queues[partition].append(encode(to, send.message))

    def _erased(self, key: str) -> Erased | None:
        value = self.entities.get(f"erased.{key}")
        entity = load_entity("erased", value) if value is not None else None
        assert entity is None or isinstance(entity, Erased)
        return entity

    def _read(self, key: str) -> Origin | None:
        versions: list[bytes | None] = [None, *self.history[key]]
        value = self.random.choice(versions) if self.stale else versions[-1]
        entity = load_entity(key, value) if value is not None else None
        assert entity is None or isinstance(entity, Origin)
        if entity is None and key not in self.entities and (erased := self._erased(key)):
            return Origin(erased=erased)
        return entity

    # what is seen from outside ---------------------------------------------------------------

    def accounts(self) -> dict[str, Account]:
        """Every account by consumer id."""
        found = {}
        for key, value in self.entities.items():
            entity = load_entity(key, value)
            account = entity.account if isinstance(entity, Origin) else entity
            if isinstance(account, Account):
                found[key] = account
        return found

    def violations(self) -> list[Violation]:
        """What ``shadowpoints verify`` would find."""
        entities = {key: load_entity(key, value) for key, value in self.entities.items()}
        known = {key: e for key, e in entities.items() if isinstance(e, Origin)}
        found: list[Violation] = []
        for key, entity in entities.items():
            origins = {origin: known[origin] for origin in origins_of(entity) if origin in known}
            found += violations(key, entity, origins, self.book, self.clock)
        return found

    def balances(self) -> dict[str, int]:
        return {k: a.posted.balance for k, a in self.accounts().items() if a.posted.balance}

    def spent(self) -> dict[str, int]:
        """Fen paid and not given back."""
        return {key: fen for key, account in self.accounts().items() if (fen := spent(account))}

    def payouts(self) -> dict[tuple[str, str], int]:
        return {
            (key, member): points
            for key, account in self.accounts().items()
            for member, points in account.posted.paid.items()
            if points
        }

    def binds(self) -> dict[str, str]:
        found = {}
        for key, value in self.entities.items():
            entity = load_entity(key, value)
            if isinstance(entity, Origin) and entity.bound:
                found[key] = entity.bound
        return found

    def announced(self) -> dict[str, int]:
        """Live offers as the CRM knows them."""
        return {
            key: account.last_offer.points
            for key, account in self.accounts().items()
            if account.last_offer is not None and account.last_offer.live
        }

    def announced_blocks(self) -> dict[str, str]:
        """The blocks of the live offers as the CRM knows them."""
        known = {key: account.last_offer for key, account in self.accounts().items()}
        return {key: last.block for key, last in known.items() if last is not None and last.live}

    def classes(self) -> dict[str, Classes]:
        """Of all customers, as they are by the account and the clock."""
        accounts = self.accounts().items()
        found = {key: evaluate(a, self.book, self.clock).classes for key, a in accounts}
        return {key: dict(classes) for key, classes in found.items() if is_customer(classes)}

    def told(self) -> dict[str, dict[str, Any]]:
        """The classes of all customers, as the CRM knows them."""
        traits = [o for o in self.published if o.channel is Channel.TRAITS]
        return told((output.type, output.data) for output in traits)

    def nudged(self) -> dict[str, dict[str, str]]:
        """After what each nudge is due, as the CRM knows."""
        traits = [o for o in self.published if o.channel is Channel.TRAITS]
        return nudged(((o.type, o.data) for o in traits), format_ms(self.clock))

    def live(self) -> dict[str, int]:
        """Live offers as they are by the account and the clock."""
        found = {}
        for key, account in self.accounts().items():
            result = evaluate(account, self.book, self.clock)
            offer = live_offer(key, account, result, self.book, self.clock)
            if result.enrolment is None and isinstance(offer, Live):
                found[key] = offer.points
        return found
