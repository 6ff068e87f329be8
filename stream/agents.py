"""The two agents: take everything that waits, hand it to the stage, acknowledge it.

Nothing here may raise for data. What does raise ends the worker (``CrashingSupervisor``), which
then resumes from the stored position; an agent restarted in place would lose what it held.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import faust
from mode import CrashingSupervisor

from stream.runtime.groups import RunSchema, groups, runs_of
from stream.runtime.identifier import Identifier
from stream.runtime.metrics import Metrics
from stream.runtime.rewarder import Rewarder
from stream.runtime.runs import Run
from stream.settings import Settings

#: For a stage which is busy; more would only let stage 1 run ahead, on stale looks at origins.
_FETCHES_WAITING: Final = 1


class Stage(Protocol):
    """What an agent drives."""

    async def handle(self, runs: list[Run]) -> None: ...


def add_agents(
    app: faust.App,
    settings: Settings,
    identifier: Identifier,
    rewarder: Rewarder,
    metrics: Metrics,
) -> None:
    """Register both agents with the app."""
    names = settings.topics

    async def identify(stream: Any) -> None:
        await _drive(stream, identifier, "identify")

    async def reward(stream: Any) -> None:
        await _drive(stream, rewarder, "reward")

    async def _drive(stream: Any, stage: Stage, name: str) -> None:
        seconds = metrics.group_seconds.labels(name)
        async for group in groups(stream, settings.poll_records_max):
            with seconds.time():
                await stage.handle([run for event in group for run in runs_of(event)])
            for event in group:
                event.ack()

    for agent, topics in ((identify, names.sources), (reward, (names.resolved,))):
        app.agent(
            _runs_of(app, topics),
            name=agent.__name__,
            supervisor_strategy=CrashingSupervisor,
        )(agent)


def _runs_of(app: faust.App, names: tuple[str, ...]) -> Any:
    topic = app.topic(*names, schema=RunSchema(key_serializer="raw", value_serializer="raw"))
    topic.maxsize = _FETCHES_WAITING  # App.topic(maxsize=...) takes and drops it in 0.15.3
    return topic
