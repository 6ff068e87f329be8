# SPDX-License-Identifier: Apache-2.0
"""Say why a worker is not ready to take records."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from stream.config.connections import PREFIX
from stream.config.settings import Settings
from stream.kafka.publisher import Publisher
from stream.process.readiness import answer_in_time, in_time
from stream.tables import Tables
from stream.worker.identify import IdentifyStage


class Worker(Protocol):
    """What readiness depends on; a :class:`stream.worker.app.ShadowApp` has it."""

    settings: Settings
    state_tables: Tables
    publisher: Publisher
    identify_stage: IdentifyStage
    rebalancing: bool

    @property
    def consumer(self) -> Any: ...

    def assignment(self) -> set[Any]: ...


async def readiness(worker: Worker) -> list[str]:
    """Why the worker is not ready; nothing if it is. An idle worker of a group is ready."""
    store, kafka = await asyncio.gather(
        answer_in_time(worker.state_tables.trouble(), "Redis does not answer in time"),
        in_time(worker.publisher.ready()),
    )
    problems = [word for word in (store, kafka and f"Kafka {kafka}") if word]
    if worker.rebalancing:
        problems.append("the group is rebalancing")
    elif not worker.assignment():
        problems.append("no partitions are assigned")
    elif lag := await answer_in_time(too_far_behind(worker), "the lag cannot be seen in time"):
        problems.append(lag)
    for topic, partition in sorted(worker.identify_stage.floods.halted):
        problems.append(f"{topic}-{partition} is halted by a flood of dead letters")
    return problems


async def too_far_behind(worker: Worker) -> str:
    """Whether more records wait for this worker than the settings allow, in words."""
    allowed = worker.settings.ready_lag_max
    if not allowed:
        return ""
    places = worker.assignment()
    try:
        ends = await worker.consumer.highwaters(*places)
        reached = {place: await worker.consumer.position(place) for place in places}
    except KafkaError:  # no broker answers, or another worker has the partitions
        return "the lag cannot be seen"
    waiting = sum(ends[place] - (at or 0) for place, at in reached.items())
    if waiting <= allowed:
        return ""
    return f"{waiting} records wait for this worker, more than {PREFIX}READY_LAG_MAX allows"
