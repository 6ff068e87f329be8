# SPDX-License-Identifier: Apache-2.0
"""Run the demo: start the app, publish the day, and read the outputs until all is handled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from stream.config.client_security import kafka_options
from stream.demo.audit import Check, TableFigures, audit, table_figures
from stream.demo.day import Day
from stream.demo.kafka_io import Feed, Reader
from stream.demo.output_totals import Outputs
from stream.demo.view import View, frame_of
from stream.engine.model.ruleset import RuleBook
from stream.process.clock import wall_clock_ms
from stream.tables import Tables
from stream.worker.app import ShadowApp

_CHECK_S = 0.2  # between two checks of the progress
_IDLE_CHECKS = 3  # after so many checks without progress the run is complete
_STALLED_S = 30.0
_AHEAD_MAX = 4_000  # records; more would only queue, and delay the first offer
_WATCH_S = 2.0  # between two checks of the embedded broker


class DemoFailed(Exception):
    """The run failed; the message is a sentence for the user."""


@dataclass
class Result:
    """The result of a run; ``first_offer_s`` and ``settled_s`` count from the app's start."""

    inputs: int
    counts: Mapping[str, int]  # records by outcome, without dead letters
    outputs: Outputs
    figures: TableFigures
    checks: list[Check]
    first_offer_s: float | None
    settled_s: float
    busy_s: float  # from the first record that was counted to the last


class Run:
    """Drives an app that is not started yet, on topics that exist and are empty."""

    def __init__(
        self,
        app: ShadowApp,
        tables: Tables,
        book: RuleBook,
        day: Day,
        view: View,
        check_nothing_lost: Callable[[], None] | None = None,
    ) -> None:
        settings = app.settings
        self._app, self._tables = app, tables
        self._book, self._day, self._view = book, day, view
        self._check_nothing_lost = check_nothing_lost
        self._partitions = range(settings.partitions)
        servers, names = settings.kafka_bootstrap_servers, settings.topics
        security = kafka_options(settings)
        self._feed = Feed(servers, names, _AHEAD_MAX, security)
        self._reader = Reader(servers, names, settings.partitions, security)
        self._started_s = 0.0
        self._first_count_s: float | None = None
        self._last_count_s = 0.0

    async def execute(self, then: Callable[[Result], Awaitable[None]] | None = None) -> Result:
        """Run until all records are handled; raises :class:`DemoFailed`.

        ``then`` gets the result while the app still runs.
        """
        await self._reader.start()
        self._started_s = time.monotonic()
        tasks = [
            asyncio.create_task(self._feed.run(self._day.records)),
            asyncio.create_task(self._reader.run()),
        ]
        try:
            await self._app.start()
            await self._until_complete(tasks)
            result = await self._result()
            if then is not None:
                await then(result)
            return result
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._reader.stop()
            with suppress(Exception):  # an app that crashed has logged why
                await self._app.stop()

    async def _until_complete(self, tasks: list[asyncio.Task[None]]) -> None:
        idle, done = 0, -1
        moved_s = watched_s = time.monotonic()
        while idle < _IDLE_CHECKS:
            await asyncio.sleep(_CHECK_S)
            self._check_alive(tasks)
            counts = await self._counts()
            now_s = time.monotonic()
            if (now_done := self._done(counts)) != done:
                self._feed.set_handled(now_done)
                done, moved_s, idle = now_done, now_s, 0
                self._last_count_s = now_s
                if done and self._first_count_s is None:
                    self._first_count_s = now_s
            elif done >= self._day.expectation.inputs and await self._quiet():
                idle += 1
            if now_s - moved_s > _STALLED_S:
                raise DemoFailed(
                    f"There has been no progress for {_STALLED_S:.0f} s: {done:,} of "
                    f"{self._day.expectation.inputs:,} records have an outcome."
                )
            if now_s - watched_s > _WATCH_S:
                watched_s = now_s
                await self._watch()
            self._show(counts)
        await self._watch()

    def _check_alive(self, tasks: list[asyncio.Task[None]]) -> None:
        if self._app.crashed:
            reason = type(self._app.crash_reason).__name__
            raise DemoFailed(f"The app ended ({reason}); its log says why.")
        for task in tasks:
            if task.done() and (error := task.exception()) is not None:
                raise DemoFailed(f"Kafka cannot be used: {type(error).__name__}: {error}")

    async def _counts(self) -> dict[str, int]:
        return await self._tables.counts(self._partitions)

    def _done(self, counts: Mapping[str, int]) -> int:
        return sum(counts.values()) + sum(self._reader.outputs.dead.values())

    async def _quiet(self) -> bool:
        """Whether every message is applied and every output read."""
        ends = await self._reader.resolved_ends()
        applied = [self._app.reward_stage.next_offset(p) for p in self._partitions]
        return ends == applied and await self._reader.has_all()

    async def _watch(self) -> None:
        if self._check_nothing_lost is not None:
            await asyncio.to_thread(self._check_nothing_lost)

    def _show(self, counts: Mapping[str, int]) -> None:
        self._view.show(
            frame_of(
                self._reader.outputs,
                counts,
                elapsed_s=time.monotonic() - self._started_s,
                inputs=self._day.expectation.inputs,
                published=self._feed.published,
            )
        )

    async def _result(self) -> Result:
        counts, outputs = await self._counts(), self._reader.outputs
        entities: dict[str, bytes] = {}
        for partition in self._partitions:
            entities |= await self._tables.entities(partition)
        figures = table_figures(entities, self._book, wall_clock_ms())
        first = self._reader.first_offer_at_s
        return Result(
            inputs=self._day.expectation.inputs,
            counts=counts,
            outputs=outputs,
            figures=figures,
            checks=audit(outputs, figures, counts, self._day.expectation),
            first_offer_s=None if first is None else first - self._started_s,
            settled_s=self._last_count_s - self._started_s,
            busy_s=max(_CHECK_S, self._last_count_s - (self._first_count_s or 0.0)),
        )
