# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints sources``: operate on partitions of source topics."""

from __future__ import annotations

import asyncio

import click

from stream.commands.common import fail, readable_errors, require_shared_store
from stream.config.settings import Settings, load_settings
from stream.lookup.open_tables import tables_of
from stream.worker.breaker_resume import end_of


@click.group()
def sources() -> None:
    """Operate on source topics."""


@sources.command()
@click.argument("topic")
@click.argument("partition", type=click.IntRange(0))
def resume(topic: str, partition: int) -> None:
    """Resume a partition that a flood of dead letters has halted.

    Records that are in PARTITION of TOPIC now are handled without a limit on dead letters; later
    ones count towards the limit again. Workers resume within SHADOWPOINTS_TICK_INTERVAL_S, also
    those that start within a week.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        name = settings.topics.prefix + settings.topics.plain(topic)
        if name not in settings.topics.sources:
            fail(
                [f"{topic} is not a source topic; they are: {', '.join(settings.topics.sources)}."]
            )
        before = asyncio.run(_resume(settings, name, partition))
    click.echo(f"{name}-{partition} resumes; the limit does not hold below offset {before}")


async def _resume(settings: Settings, topic: str, partition: int) -> int:
    before = await end_of(settings, topic, partition)
    tables = tables_of(settings)
    try:
        await tables.open()
        await tables.resume(topic, partition, before)
    finally:
        await tables.close()
    return before
