# SPDX-License-Identifier: Apache-2.0
"""The two Faust agents: each takes all waiting batches, gives them to its stage, acknowledges them.

No record may raise here. Any exception ends the worker (``CrashingSupervisor``), which resumes from
the stored position; an agent that was restarted in place would lose the batches it held.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import faust
from mode import CrashingSupervisor

from stream.config.settings import Settings
from stream.kafka.record_batches import Batch
from stream.process.worker_metrics import Metrics
from stream.worker.group_commit import BatchSchema, batches_of, groups
from stream.worker.identify import IdentifyStage
from stream.worker.reward import RewardStage

#: Fetches that wait for a busy stage; more would let stage 1 run ahead on stale origins.
_FETCHES_WAITING: Final = 1


#: After this time a stage whose partitions take turns gets another group, so that one busy
#: partition does not delay the others.
_PATIENCE_S: Final = 0.1
_GROUPS_MAX: Final = 4


class Stage(Protocol):
    """A stage of the engine, driven by an agent."""

    async def handle(self, batches: list[Batch]) -> None: ...


def add_agents(
    app: faust.App,
    settings: Settings,
    identify_stage: IdentifyStage,
    reward_stage: RewardStage,
    metrics: Metrics,
) -> None:
    """Register both agents with the app."""
    names = settings.topics

    async def identify(stream: Any) -> None:
        await _drive(stream, identify_stage, "identify", None)

    async def reward(stream: Any) -> None:
        await _drive(stream, reward_stage, "reward", _PATIENCE_S)

    async def _drive(stream: Any, stage: Stage, name: str, patience_s: float | None) -> None:
        seconds = metrics.group_seconds.labels(name)
        busy: set[asyncio.Task[None]] = set()

        async def handle(group: list[Any]) -> None:
            with seconds.time():
                await stage.handle([batch for event in group for batch in batches_of(event)])
            for event in group:
                event.ack()

        try:
            async with asyncio.TaskGroup() as handling:
                async for group in groups(stream, settings.poll_records_max):
                    task = handling.create_task(handle(group))
                    busy.add(task)
                    task.add_done_callback(busy.discard)
                    await asyncio.wait([task], timeout=patience_s)
                    while len(busy) >= _GROUPS_MAX:
                        await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    for agent, topics in ((identify, names.sources), (reward, (names.resolved,))):
        app.agent(
            _batches_of(app, topics),
            name=agent.__name__,
            supervisor_strategy=CrashingSupervisor,
        )(agent)


def _batches_of(app: faust.App, names: tuple[str, ...]) -> Any:
    topic = app.topic(*names, schema=BatchSchema(key_serializer="raw", value_serializer="raw"))
    topic.maxsize = _FETCHES_WAITING  # App.topic(maxsize=...) takes and drops it in 0.15.3
    return topic
