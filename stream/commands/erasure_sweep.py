# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints sweep``: remove the remaining data of erased people from Redis and the topics."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack

import click

from stream.brand.directory import load_apps
from stream.commands.common import readable_errors, require_shared_store
from stream.config.settings import Settings, load_settings
from stream.engine.model.directory import Directory
from stream.kafka.connection_errors import explained
from stream.kafka.publisher import publisher_of
from stream.kafka.topic_reader import OnRead
from stream.lookup.open_tables import tables_of
from stream.privacy.sweep import SweepResult
from stream.privacy.sweep import sweep as sweep_all
from stream.tables import Tables


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
def sweep(dry_run: bool) -> None:
    """Remove what is left of erased people and idle accounts.

    Run it every day while the workers run. It reads Redis and all topics of Shadowpoints from
    beginning to end. It can be stopped at any time.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        asyncio.run(_sweep(settings, load_apps(settings.apps), dry_run))


async def _sweep(settings: Settings, directory: Directory, dry_run: bool) -> None:
    tables = tables_of(settings)
    try:
        await tables.open()
        await run_sweep(settings, tables, directory, dry_run=dry_run)
    finally:
        await tables.close()


async def run_sweep(
    settings: Settings, tables: Tables, directory: Directory, *, dry_run: bool = False
) -> None:
    """Sweep with a progress bar, and print the counts."""
    with ExitStack() as stack:

        def watch(total: int) -> OnRead:
            return stack.enter_context(click.progressbar(length=total, file=sys.stderr)).update

        if dry_run:
            swept = await sweep_all(settings, tables, directory, None, watch)
        else:
            swept = await _published(settings, tables, directory, watch)
    for line in lines(swept, settings, "to erase" if dry_run else "erased"):
        click.echo(line)


async def _published(
    settings: Settings, tables: Tables, directory: Directory, watch: Callable[[int], OnRead]
) -> SweepResult:
    publisher = publisher_of(settings, unique_keys_on=settings.topics.resolved)
    async with explained(settings), publisher:
        return await sweep_all(settings, tables, directory, publisher.publish, watch)


def lines(swept: SweepResult, settings: Settings, word: str) -> list[str]:
    """The counts of a sweep, by topic."""
    said = [f"{swept.orders:,} messages to entities that refer to erased people"]
    for topic in settings.topics.written:
        said.append(f"{topic}: {swept.tombstones[topic]:,} records {word}")
    if swept.again:
        said.append(f"{swept.again:,} messages about others published again without them")
    if not swept.complete:
        said.append("There were too many payments for one sweep; sweep again in a week.")
    return said
