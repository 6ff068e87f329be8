"""``shadowpoints erase``: a person is forgotten, by an event like any other and a sweep."""

from __future__ import annotations

import asyncio
import sys

import click

from schemas.privacy import ERASE_REQUESTED, EraseRequested
from stream.commands.common import fail, sentences
from stream.commands.requests import publish_request
from stream.commands.sweep import run_sweep
from stream.commands.who import naming_a_consumer
from stream.engine.directory import Directory
from stream.engine.ids import digest
from stream.rules.apps import load_apps
from stream.runtime.erasures import Erasures
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.pseudonyms import Pseudonyms
from stream.runtime.security import hash_secret
from stream.runtime.settling import until_erased
from stream.runtime.state import tables_of
from stream.runtime.survey import Found, Survey, one_person
from stream.runtime.topic_reader import TopicReader
from stream.runtime.traces import LetterReader
from stream.settings import Settings, load_settings
from stream.tables import Tables


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what there is.")
@click.option("--yes", is_flag=True, help="Do not look before, and do not ask.")
@naming_a_consumer
def erase(key: str, dry_run: bool, yes: bool) -> None:
    """Forget CONSUMER, a consumer_id, with all origins known to be theirs; for good.

    Everything up to now is erased from Redis and from our topics, and what is sent again of it is
    refused. What they do from now on counts once they consent anew. The workers must be running.
    """
    with sentences():
        settings = load_settings()
        if settings.redis_url == "memory://":
            fail(["There is nothing to erase in memory://: the state of a worker is its own."])
        asyncio.run(_run(settings, load_apps(settings.apps), key, dry_run, yes))


async def _run(
    settings: Settings, directory: Directory, key: str, dry_run: bool, yes: bool
) -> None:
    tables = tables_of(settings)
    try:
        await tables.open()
        if dry_run or not yes:
            _tell(await _survey(settings, tables, directory, key))
        if dry_run:
            return
        if not yes:
            click.confirm("All of it will be erased; it cannot be undone. Go on?", abort=True)
        await _request(settings, tables, key)
        await run_sweep(settings, tables, directory)
    finally:
        await tables.close()


async def _survey(settings: Settings, tables: Tables, directory: Directory, key: str) -> Found:
    people = await one_person(tables, settings.partitions, key)
    survey = Survey(people, settings.topics, LetterReader(directory))
    await survey.read_tables(tables, settings.partitions)
    async with TopicReader(settings, settings.topics.written) as reader:
        with click.progressbar(length=reader.total, file=sys.stderr) as bar:
            await survey.read_topics(reader, bar.update)
    return survey.found


async def _request(settings: Settings, tables: Tables, key: str) -> None:
    """Ask the engine, and wait until it has understood."""
    at = wall_clock_ms()
    await publish_request(
        settings,
        ERASE_REQUESTED,
        EraseRequested(consumer_id=key),
        key=key,
        event_id=digest(ERASE_REQUESTED, key, at),
        time_ms=at,
    )
    pseudonyms = Pseudonyms(hash_secret(settings), settings.partitions)
    await until_erased(Erasures(tables, pseudonyms), key, at)


def _tell(found: Found) -> None:
    click.echo(f"Redis: {found.entities:,} entities, {len(found.payments):,} of them payments")
    for topic, number in found.records.items():
        click.echo(f"{topic}: {number:,} records")
