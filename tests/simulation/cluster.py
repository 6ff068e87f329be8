# SPDX-License-Identifier: Apache-2.0
"""The cluster in the simulated world: workers, their group, what goes wrong with them, and rest.

One random sequence decides it all; the same plan always runs the same way.
"""

from __future__ import annotations

from random import Random

from stream.engine.model.messages import RulesChanged
from stream.engine.model.rule_versions import dump_book
from stream.engine.model.ruleset import RuleBook
from stream.kafka.encode import rules_record, tick_record
from stream.process.failures import describe_failure
from stream.tables.base import Record
from stream.worker.reward import OwnershipLost
from tests.simulation.books import forged
from tests.simulation.log import NAMES, Log
from tests.simulation.plan import SOURCE_PARTITIONS, Fault, Kind, Plan
from tests.simulation.store import Backup, Store
from tests.simulation.violation import Check, Violation, demand
from tests.simulation.worker import Assignment, Broker, Worker
from tests.support.books import DAY, START

_STEPS_MAX = 200_000  # from one rest to the next
_TICKS_MAX = 2_000  # at one rest
_BACK_AFTER = (20, 150)  # steps until a dead worker is replaced
_NOTICED_AFTER = (1, 60)  # steps until the group deals anew
_RULED_AFTER = (1, 80)  # steps until the next partition gets the new rules
LAG_MS = 20 * DAY  # no message is on its way for longer: it would come too late
_BEAT = 0.02  # chance per step that some worker's housekeeping is due


class Cluster:
    """Workers around one log and one store, moved on step by step."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.random = plan, Random(plan.schedule)
        self.book = plan.rules
        self.clock = START
        self.log = Log(plan.partitions, self.random, plan.twice)
        self.store = Store(plan.partitions, lambda: self.clock)
        self.broker = Broker()
        self.workers: dict[int, Worker] = {}
        self.disturbed = False  # a fault happened, so that records may be handled twice
        self.steps = 0
        self.story: list[str] = []
        self._started = 0
        self._armed: list[tuple[int, Fault]] = []  # step and what happens then
        self._returns: dict[int, int] = {}  # number of a dead worker -> step of its return
        self._thaws: dict[int, int] = {}
        self._rulings: list[tuple[int, Record]] = []  # step at which rules are published, to whom
        self._members: list[Worker] = []  # among whom everything was dealt
        self._deal_at: int | None = None
        self._backup: Backup | None = None
        self._backup_of = (0, 0)  # erasures by then, and when it was, ms

    def begin(self) -> None:
        for record in self._ruled(self.book, at=0):
            self.log.append(record, self.clock)
        for number in range(self.plan.workers):
            self._start(number)
        self._deal()

    def end(self) -> None:
        for worker in self.workers.values():
            worker.kill()

    def arm(self, fault: Fault) -> None:
        """It happens so many steps from now."""
        self._armed.append((self.steps + fault.steps, fault))

    def tell(self, what: str) -> None:
        """A line of the story."""
        self.story.append(f"{self.steps:6} {what}")

    # new rules -------------------------------------------------------------------------------

    def deploy(self) -> None:
        """Somebody publishes the new rules, to one partition after the other.

        Somebody else then publishes rules which say something else of what has begun.
        """
        self.book = self.plan.new_rules
        records = self._ruled(self.book, self.clock)
        records += self._ruled(forged(self.book), self.clock + 1)
        at = self.steps
        for record in records:
            at += self.random.randint(*_RULED_AFTER)
            self._rulings.append((at, record))
        self.tell("new rules")

    def complete_deployment(self) -> None:
        """All that is still to be published is."""
        for _, record in self._rulings:
            self.log.append(record, self.clock)
        self._rulings = []

    def _ruled(self, book: RuleBook, at: int) -> list[Record]:
        message = RulesChanged(at, dump_book(book))
        return [rules_record(p, message, NAMES) for p in range(self.plan.partitions)]

    # steps -----------------------------------------------------------------------------------

    def step(self) -> None:
        self.steps += 1
        self._disturb()
        if self.random.random() < _BEAT and self.workers:
            self.random.choice([*self.workers.values()]).beat = True
        self._move()

    def _move(self) -> bool:
        """One step of one task; whether any could move."""
        ready = [
            (worker, task)
            for worker in self.workers.values()
            if not worker.frozen
            for task in worker.tasks
            if task.ready()
        ]
        if not ready:
            return False
        worker, task = self.random.choice(ready)
        try:
            task.step()
        except OwnershipLost:
            self.tell(f"{worker.name} lost a partition and ended")
            self._kill(worker)
        except Violation:
            raise
        except Exception as error:
            text = f"{worker.name} {task.name}: {describe_failure(error)}: {error}"
            raise Violation(Check.WORKER, text) from error
        return True

    # faults ----------------------------------------------------------------------------------

    def _disturb(self) -> None:
        due = [fault for step, fault in self._armed if step <= self.steps]
        self._armed = [(step, fault) for step, fault in self._armed if step > self.steps]
        for fault in due:
            self.tell(f"{fault.kind} {fault.subject}")
            self._happen(fault)
        for number in [n for n, step in self._returns.items() if step <= self.steps]:
            self._start(number)
        for number in [n for n, step in self._thaws.items() if step <= self.steps]:
            self._thaw(number)
        while self._rulings and self._rulings[0][0] <= self.steps:
            self.log.append(self._rulings.pop(0)[1], self.clock)
        if self._deal_at is not None and self._deal_at <= self.steps:
            self._deal()

    def _happen(self, fault: Fault) -> None:
        self.disturbed = True
        worker = self.workers.get(fault.subject % self.plan.workers)
        match fault.kind:
            case Kind.KILL:
                if worker is not None and not worker.frozen:
                    self._kill(worker)
            case Kind.FREEZE:
                if worker is not None and not worker.frozen:
                    self._freeze(worker)
            case Kind.REBALANCE:
                self._deal()
            case Kind.BACKUP:
                self._backup, self._backup_of = self.store.backup(), (self.erasures(), self.clock)
            case Kind.RESTORE | Kind.SHARD if self._may_restore():
                shard = fault.subject % self.plan.partitions
                self.store.restore(self._backup, shard if fault.kind is Kind.SHARD else None)
            case _:
                self.tell("no: that backup is too old")

    def _may_restore(self) -> bool:
        """Whether nobody was erased since, and no payment can have expired.

        An erased account does not remember what joined it and left it. A store from before would
        have the log repeat that behind the erasure, which balances survive and the ledger does not.
        """
        erasures, at = self._backup_of
        recent = self._backup is None or self.clock - at < LAG_MS
        return recent and erasures == self.erasures() and erasures % 2 == 0

    def erasures(self) -> int:
        """Changes with each one, odd while it is under way."""
        return 0

    def _kill(self, worker: Worker) -> None:
        self.disturbed = True
        worker.kill()
        del self.workers[worker.number]
        self._thaws.pop(worker.number, None)
        self._returns[worker.number] = self._later(_BACK_AFTER)
        self._deal_at = self._later(_NOTICED_AFTER)

    def _freeze(self, worker: Worker) -> None:
        worker.frozen = True
        self._thaws[worker.number] = self._later((10, 400))
        self._deal_at = self._later(_NOTICED_AFTER)

    def _thaw(self, number: int) -> None:
        del self._thaws[number]
        self.workers[number].frozen = False
        self._deal_at = self._later(_NOTICED_AFTER)

    def _start(self, number: int) -> None:
        self._returns.pop(number, None)
        self._started += 1
        self.workers[number] = Worker(self, number, f"worker {number}/{self._started}")
        self._deal_at = self._later(_NOTICED_AFTER)

    def _later(self, between: tuple[int, int]) -> int:
        return self.steps + self.random.randint(*between)

    def _deal(self) -> None:
        """A new generation: everything is dealt to those who are heard of."""
        self._deal_at = None
        members = [worker for worker in self.workers.values() if not worker.frozen]
        if not members:
            return
        self._members = members
        self.disturbed |= self.broker.generation > 0
        self.broker.generation += 1
        topics = {input_.topic for input_ in self.plan.inputs}
        places = sorted((topic, n) for topic in topics for n in range(SOURCE_PARTITIONS))
        resolved = {p: self.random.choice(members) for p in range(self.plan.partitions)}
        sources = {place: self.random.choice(members) for place in places}
        for member in members:
            member.invite(
                Assignment(
                    self.broker.generation,
                    tuple(p for p, owner in resolved.items() if owner is member),
                    tuple(place for place, owner in sources.items() if owner is member),
                )
            )

    # rest ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """No more faults; everything is applied, and the time is now everywhere."""
        for number in [*self._returns]:
            self._start(number)
        if all(worker.frozen for worker in self.workers.values()):
            for number in [*self._thaws]:
                self._thaw(number)
        if self._members != [worker for worker in self.workers.values() if not worker.frozen]:
            self._deal()
        self._drain()
        for worker in self.workers.values():  # a restored store is noticed without traffic
            worker.beat = True
        self._drain()
        for _ in range(_TICKS_MAX):
            late = self._late()
            if not late:
                break
            for partition in late:
                self.log.append(tick_record(partition, self.plan.tick_limit, NAMES), self.clock)
            self._drain()
        else:
            demand(False, Check.REST, f"still due after {_TICKS_MAX} ticks")
        self.tell("came to rest")

    def catch_up(self) -> None:
        """Before a long time passes: nothing of today is left to do, for zombies neither."""
        for number in [*self._thaws]:
            self._thaw(number)
        self.settle()
        for worker in self.workers.values():
            worker.commit_sources()

    def is_due(self, by: int) -> bool:
        """Whether time will change something by then."""
        return any(at <= by for at in self.store.earliest_due().values())

    def _late(self) -> list[int]:
        due = self.store.earliest_due()
        late = {partition for partition, at in due.items() if at <= self.clock}
        return sorted({*late, *self.store.waking()})

    def _drain(self) -> None:
        for _ in range(_STEPS_MAX):
            self.steps += 1
            if not self._move():
                if not self._returns:
                    return
                for number in [*self._returns]:
                    self._start(number)
                self._deal()
        demand(False, Check.REST, f"still busy after {_STEPS_MAX} steps")
