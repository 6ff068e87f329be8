# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints erase``: erase a person, with a request event and a sweep."""

from __future__ import annotations

import asyncio
import sys

import click

from schemas.privacy import ERASE_REQUESTED, EraseRequested
from stream.addressing.pseudonyms import Pseudonyms
from stream.brand.directory import load_apps
from stream.commands.common import readable_errors, require_shared_store
from stream.commands.consumer_argument import consumer_argument
from stream.commands.erasure_sweep import run_sweep
from stream.commands.publishing import publish_request
from stream.config.client_security import hash_secret
from stream.config.settings import Settings, load_settings
from stream.engine.model.directory import Directory
from stream.engine.model.ids import digest
from stream.kafka.topic_reader import TopicReader
from stream.lookup.entity_reader import PeopleReader
from stream.lookup.open_tables import tables_of
from stream.lookup.reward_progress import until_erased
from stream.privacy.id_search import DeadLetterSearch
from stream.privacy.person_data import Found, PersonData, one_person
from stream.process.clock import wall_clock_ms
from stream.tables import Tables


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what is stored.")
@click.option("--yes", is_flag=True, help="Do not count first, and do not ask for confirmation.")
@consumer_argument
def erase(key: str, dry_run: bool, yes: bool) -> None:
    """Erase a person, with all their origins, for good.

    CONSUMER is a consumer_id. Everything up to now is erased from Redis and from the topics of
    Shadowpoints, and events from before are refused if they are sent again. Later events count
    again once the person consents again. The workers must be running.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        asyncio.run(_run(settings, load_apps(settings.apps), key, dry_run, yes))


async def _run(
    settings: Settings, directory: Directory, key: str, dry_run: bool, yes: bool
) -> None:
    tables = tables_of(settings)
    try:
        await tables.open()
        if dry_run or not yes:
            _print(await _survey(settings, tables, directory, key))
        if dry_run:
            return
        if not yes:
            click.confirm("All of it will be erased; it cannot be undone. Continue?", abort=True)
        await _request(settings, tables, key)
        await run_sweep(settings, tables, directory)
    finally:
        await tables.close()


async def _survey(settings: Settings, tables: Tables, directory: Directory, key: str) -> Found:
    people = await one_person(tables, settings.partitions, key)
    survey = PersonData(people, settings.topics, DeadLetterSearch(directory))
    await survey.read_tables(tables, settings.partitions)
    async with TopicReader(settings, settings.topics.written) as reader:
        with click.progressbar(length=reader.total, file=sys.stderr) as bar:
            await survey.read_topics(reader, bar.update)
    return survey.found


async def _request(settings: Settings, tables: Tables, key: str) -> None:
    """Publish the request, and wait until the workers have applied it."""
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
    await until_erased(PeopleReader(tables, pseudonyms), key, at)


def _print(found: Found) -> None:
    click.echo(f"Redis: {found.entities:,} entities, {len(found.payments):,} of them payments")
    for topic, number in found.records.items():
        click.echo(f"{topic}: {number:,} records")
