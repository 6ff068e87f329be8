# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints report write``: all figures as JSON, CSV and a page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from stream.commands.common import Instant, fail, readable_errors, require_shared_store, shanghai
from stream.commands.language import lang_option
from stream.config.settings import Settings, load_settings
from stream.engine.model.decision import Channel
from stream.kafka.topic_reader import TopicReader
from stream.lookup.open_tables import tables_of
from stream.process.clock import wall_clock_ms
from stream.report.figures.counts import Counts
from stream.report.files import documents, write_all
from stream.report.page import page
from stream.report.snapshot import OtherRun, Run, Snapshot, begun, forget
from stream.report.tables import tables_of as tables_from


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--as-of",
    type=Instant(),
    help="Report as of this time instead of now. An offer is live if it is now.",
)
@lang_option
def write(directory: Path, as_of: int | None) -> None:
    """Write all figures into a directory.

    A run that was interrupted goes on where it was; what it has counted is in DIRECTORY/unfinished.
    It can run while the workers run.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        try:
            done, counts = asyncio.run(_counted(settings, directory / "unfinished", as_of))
            figures, time = tables_from(counts), shanghai(done.as_of)
            texts = {**documents(figures, time), "report.html": page(figures, time)}
            write_all(directory, texts)
            forget(directory / "unfinished")
        except OtherRun as error:
            fail([str(error)])
        except OSError as error:
            fail([f"{directory} cannot be written: {error.strerror}."])
    click.echo(f"{len(texts)} files in {directory}, as of {shanghai(done.as_of)}")


async def _counted(settings: Settings, unfinished: Path, as_of: int | None) -> tuple[Run, Counts]:
    topics = settings.topics
    ledger, offers = topics.channel(Channel.LEDGER), topics.channel(Channel.OFFERS)
    time = wall_clock_ms() if as_of is None else as_of
    wanted = Run(time, settings.namespace, settings.partitions, ledger, offers)
    tables = tables_of(settings)
    try:
        await tables.open()
        async with TopicReader(settings, [ledger, offers]) as log:
            run = begun(unfinished, wanted, as_of_given=as_of is not None)
            if run.as_of != time:
                at = shanghai(run.as_of)
                click.echo(f"Going on with the report of {at} in {unfinished}.", err=True)
            return run, await Snapshot(run, tables, log, unfinished).counts(_progress)
    finally:
        await tables.close()


def _progress(name: str, number: int, of: int) -> None:
    click.echo(f"{number}/{of} {name}", err=True)
