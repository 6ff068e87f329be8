"""``shadowpoints sweep``: what is left of those who were erased leaves Redis and our topics."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack

import click

from stream.commands.common import fail, sentences
from stream.engine.directory import Directory
from stream.rules.apps import load_apps
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
from stream.runtime.security import kafka_options
from stream.runtime.state import tables_of
from stream.runtime.sweep import Swept
from stream.runtime.sweep import sweep as sweep_all
from stream.runtime.topic_reader import OnRead
from stream.settings import Settings, load_settings
from stream.tables import Tables


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
def sweep(dry_run: bool) -> None:
    """Remove what is left of everyone who was erased, by request or as an idle account.

    Run it every day while the workers run. It reads Redis and our topics from beginning to end,
    may be stopped at any time, and does nothing where nothing is left.
    """
    with sentences():
        settings = load_settings()
        if settings.redis_url == "memory://":
            fail(["There is nothing to sweep in memory://: the state of a worker is its own."])
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
    """Sweep with a progress bar, and print what was done."""
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
) -> Swept:
    publisher = Publisher(
        settings.kafka_bootstrap_servers,
        security=kafka_options(settings),
        unique_keys_on=settings.topics.resolved,
    )
    async with explained(settings), publisher:
        return await sweep_all(settings, tables, directory, publisher.publish, watch)


def lines(swept: Swept, settings: Settings, word: str) -> list[str]:
    """What was done, by topic."""
    said = [f"{swept.orders:,} messages to entities which name somebody erased"]
    for topic in settings.topics.written:
        said.append(f"{topic}: {swept.tombstones[topic]:,} records {word}")
    if swept.again:
        said.append(f"{swept.again:,} messages about others said again without them")
    if not swept.complete:
        said.append("There were too many payments for one sweep; sweep again in a week.")
    return said
