"""The simulated world: clock, group, faults, and the order in which everything happens.

One random sequence decides it all; the same plan always runs the same way.
"""

from __future__ import annotations

from random import Random

from stream.runtime.dead_letters import describe_failure
from stream.runtime.records import tick_record
from stream.runtime.rewarder import OwnershipLost
from tests.simulation import oracle
from tests.simulation.log import NAMES, Log
from tests.simulation.plan import BOOKS, SOURCE_PARTITIONS, Fault, Input, Kind, Plan
from tests.simulation.scheduler import running
from tests.simulation.store import Backup, Store
from tests.simulation.violation import Check, Violation, demand
from tests.simulation.worker import Assignment, Broker, Worker
from tests.support.books import DAY, START

_STEPS_MAX = 200_000  # from one rest to the next
_TICKS_MAX = 2_000  # at one rest
_BACK_AFTER = (20, 150)  # steps until a dead worker is replaced
_NOTICED_AFTER = (1, 60)  # steps until the group deals anew
_BEAT = 0.02  # chance per step that some worker's housekeeping is due


class World:
    """Carries out a plan; :meth:`run` raises :class:`Violation` when a promise is broken."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.random = plan, Random(plan.schedule)
        self.book = BOOKS[plan.book]
        self.clock = START
        self.log = Log(plan.partitions, self.random, plan.twice)
        self.store = Store(plan.partitions, self.book, lambda: self.clock)
        self.broker = Broker()
        self.workers: dict[int, Worker] = {}
        self.published: list[Input] = []
        self.disturbed = False  # a fault happened, so that records may be handled twice
        self.steps = 0
        self.story: list[str] = []
        self._started = 0
        self._armed: list[tuple[int, Fault]] = []  # step and what happens then
        self._returns: dict[int, int] = {}  # number of a dead worker -> step of its return
        self._thaws: dict[int, int] = {}
        self._members: list[Worker] = []  # among whom everything was dealt
        self._deal_at: int | None = None
        self._backup: Backup | None = None

    def run(self) -> None:
        with running():
            try:
                for number in range(self.plan.workers):
                    self._start(number)
                self._deal()
                self._carry_out()
            finally:
                for worker in self.workers.values():
                    worker.kill()

    def _carry_out(self) -> None:
        faults = list(self.plan.faults)
        for input_ in self.plan.inputs:
            while self.random.random() > self.plan.pace:
                self._step()
            self._publish(input_)
            while faults and faults[0].after <= input_.number:
                fault = faults.pop(0)
                self._armed.append((self.steps + fault.steps, fault))
            if input_.number in self.plan.rests:
                self._rest()
        for _ in range(200 if self.plan.faults else 0):
            self._step()
        self._rest()
        if self.plan.last_rest_days:
            self.clock += self.plan.last_rest_days * DAY
            self._rest()

    def _publish(self, input_: Input) -> None:
        self.clock = max(self.clock, input_.at)
        value, headers = input_.record
        self.log.append_source((input_.topic, input_.partition), value, headers, self.clock)
        self.published.append(input_)
        self._tell(f"published #{input_.number}")

    # steps -----------------------------------------------------------------------------------

    def _step(self) -> None:
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
            self._tell(f"{worker.name} lost a partition and ended")
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
            self._tell(f"{fault.kind} {fault.subject}")
            self._happen(fault)
        for number in [n for n, step in self._returns.items() if step <= self.steps]:
            self._start(number)
        for number in [n for n, step in self._thaws.items() if step <= self.steps]:
            self._thaw(number)
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
                self._backup = self.store.backup()
            case Kind.RESTORE | Kind.SHARD:
                shard = fault.subject % self.plan.partitions
                self.store.restore(self._backup, shard if fault.kind is Kind.SHARD else None)

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
        places = sorted({(i.topic, n) for i in self.plan.inputs for n in range(SOURCE_PARTITIONS)})
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

    def _rest(self) -> None:
        """No more faults, everything is applied, the time is now everywhere; then look."""
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
        self._tell("came to rest")
        oracle.check(self)

    def _late(self) -> list[int]:
        due = self.store.earliest_due()
        return [partition for partition, at in sorted(due.items()) if at <= self.clock]

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

    def _tell(self, what: str) -> None:
        self.story.append(f"{self.steps:6} {what}")
