# SPDX-License-Identifier: Apache-2.0
"""P6: the resolved log, applied to empty tables, repeats every decision byte for byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from stream.addressing.partitioning import entity_partition
from stream.engine.storage.codec import load_entity
from stream.kafka.record_batches import Batch
from stream.tables.base import Record
from stream.tables.memory import MemoryTables
from stream.worker.in_process import LoggedRecord, drive
from stream.worker.reward import RewardStage
from tests.simulation.log import NAMES
from tests.simulation.reading import first_of_each, header
from tests.simulation.violation import Check, Violation, demand, same
from tests.simulation.worker import METRICS

if TYPE_CHECKING:
    from tests.simulation.world import World


def check_replay(world: World, entities: dict[str, bytes]) -> None:
    """Compare outputs, entities and counts with those of a replay."""
    try:
        outputs, tables = drive(_replay(world))
    except Exception as error:
        text = f"the log cannot be applied again: {type(error).__name__}: {error}"
        raise Violation(Check.REPLAY, text) from error
    for topic in sorted({*outputs, *world.log.outputs} - {NAMES.dead_letters}):
        found, expected = _by_subject(outputs[topic]), _by_subject(world.log.outputs[topic])
        for name in sorted({*found, *expected}):
            text = f"{topic} {name!r}: {found[name]} on replay, was {expected[name]}"
            demand(found[name] == expected[name], Check.REPLAY, text)
    for partition in range(world.plan.partitions):
        again = drive(tables.entities(partition))
        once = {k: v for k, v in entities.items() if partition_of(world, k) == partition}
        for key in sorted({*again, *once}):
            if key not in once and key.startswith(("tx.", "erased.")):
                continue  # its time had come; a replay is over in no time
            both = [load_entity(key, some[key]) if key in some else None for some in (again, once)]
            same(both[0], both[1], Check.REPLAY)
    every = range(world.plan.partitions)
    same(drive(tables.counts(every)), drive(world.store.counts(every)), Check.REPLAY)


def partition_of(world: World, key: str) -> int:
    return entity_partition(key, world.plan.partitions)


async def _replay(world: World) -> tuple[dict[str, list[Record]], MemoryTables]:
    outputs: dict[str, list[Record]] = defaultdict(list)

    async def capture(records: Sequence[Record]) -> None:
        for record in records:
            if record.topic != NAMES.resolved:  # those are in the log already
                outputs[record.topic].append(record)

    partitions = world.plan.partitions
    tables = MemoryTables(partitions, clock_s=lambda: 0.0)
    reward_stage = RewardStage(
        tables,
        capture,
        partitions=partitions,
        namespace="simulation",
        owner="replay",
        metrics=METRICS,
    )
    await reward_stage.claim(range(partitions), 1)
    random = Random(world.plan.schedule)
    for partition, log in enumerate(world.log.resolved):
        for records in _cut(log, random):
            await reward_stage.handle([Batch(NAMES.resolved, partition, records, 1)])
    return outputs, tables


def _cut(log: list[LoggedRecord], random: Random) -> list[list[LoggedRecord]]:
    size = random.choice([1, 4, 1000])
    return [log[at : at + size] for at in range(0, len(log), size)]


def _by_subject(records: list[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in first_of_each(records):
        found[header(record, "ce_subject")].append(record)
    return found
