# SPDX-License-Identifier: Apache-2.0
"""The simulated world: it carries out a plan, and looks whenever everything has come to rest."""

from __future__ import annotations

from unittest.mock import patch

from tests.simulation import oracle
from tests.simulation.cluster import LAG_MS, Cluster
from tests.simulation.plan import Input, Plan, Theme
from tests.simulation.scheduler import running
from tests.support.books import ACCOUNTS, DAY
from tests.support.model import Model, Result
from tests.support.people import People


class World(Cluster):
    """:meth:`run` raises :class:`Violation` when a promise is broken."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.published: list[Input] = []
        self.people: People | None = None
        if plan.theme in (Theme.ERASE, Theme.IDLE):
            self.people = People(Model(self.book, ACCOUNTS))
        self.store.forgetful = lambda: bool(self.people and self.people.floors)
        self._settled_at = self.clock

    def run(self) -> None:
        plan = self.plan
        with (
            running(),
            patch("stream.engine.storage.codec.TAILS_BYTES_MAX", plan.tails_bytes_max),
            patch("stream.engine.model.touches.PAGE_BYTES_MAX", plan.page_bytes_max),
            patch("stream.worker.partition_step.STEP_COST_MAX", plan.step_cost_max),
        ):
            try:
                self.begin()
                self._carry_out()
            finally:
                self.end()

    def erasures(self) -> int:
        return self.people.erasures if self.people else 0

    def expected(self) -> Result:
        """What the naive model says of everything published."""
        if self.people is not None:
            return self.people.expected(self.clock)
        events = [input_.event for input_ in self.published if input_.event is not None]
        return Model(self.book, ACCOUNTS).judge(events, self.clock)

    def is_left_to_chance(self) -> bool:
        """Whether what was published so far has more than one right outcome."""
        events = [input_.event for input_ in self.published if input_.event is not None]
        return Model(self.book, ACCOUNTS).is_left_to_chance(events)

    def _carry_out(self) -> None:
        faults = list(self.plan.faults)
        for input_ in self.plan.inputs:
            while self.random.random() > self.plan.pace:
                self.step()
            self._change_rules(input_.number)
            self._publish(input_)
            while faults and faults[0].after <= input_.number:
                self.arm(faults.pop(0))
            if input_.number in self.plan.rests:
                self._rest()
        for _ in range(200 if self.plan.faults else 0):
            self.step()
        self._rest()
        self._finish()
        if self.plan.last_rest_days:
            self.clock += self.plan.last_rest_days * DAY
            self._rest()

    def _finish(self) -> None:
        """What some plans do at the end."""
        again = self.plan.inputs if self.plan.again else ()
        for input_ in again:
            self._publish(input_)
            self.step()
        if again:
            self._rest()

    def _publish(self, input_: Input) -> None:
        event, people = input_.event, self.people
        if input_.at - self._settled_at > LAG_MS and self.plan.theme is Theme.LONG:
            self.catch_up()
            self._settled_at = self.clock
        if people is not None:
            self._pass_time(people, input_.at)
        if people is None or event is None:
            self._append(input_)
            return
        request = people.is_news(event)
        if request:
            self._settle()
        if not people.allows(event):
            self.tell(f"#{input_.number} is left to chance: not published")
            return
        self._append(input_)
        people.publish(event, request and not self.plan.hasty, self.clock)
        if request and not self.plan.hasty:
            self._rest()

    def _append(self, input_: Input) -> None:
        self.clock = max(self.clock, input_.at)
        value, headers = input_.record
        self.log.append_source((input_.topic, input_.partition), value, headers, self.clock)
        self.published.append(input_)
        self.tell(f"published #{input_.number}")

    def _pass_time(self, people: People, to: int) -> None:
        """Whoever is forgotten on the way is forgotten at that very instant."""
        if to - self.clock > LAG_MS or (self.book.idle_days and self.is_due(to)):
            self.catch_up()
        end = people.next_end()
        while end is not None and end <= to:
            self._settle()  # what was published before is applied before
            self.clock = max(self.clock, end)
            self._settle()
            end = people.next_end()

    def _change_rules(self, number: int) -> None:
        deployment = self.plan.deployment
        if deployment is None:
            return
        if number >= deployment.after and self.book is self.plan.rules:
            self.deploy()
        if number >= deployment.until:
            self.complete_deployment()

    def _settle(self) -> None:
        self.complete_deployment()
        self.settle()
        self._settled_at = self.clock
        if self.people is not None:
            self.people.come_to_rest(self.clock)

    def _rest(self) -> None:
        self._settle()
        if not self.is_left_to_chance():
            oracle.check(self)
