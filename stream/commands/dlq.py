# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints dlq``: list dead letters, show them, and send them back to their topics."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from schemas import Reason
from stream.commands.common import (
    Instant,
    escaped,
    fail,
    readable_errors,
    require_shared_store,
    shanghai,
)
from stream.config.settings import Settings, load_settings
from stream.kafka.connection_errors import explained
from stream.kafka.dead_letter_reader import (
    DeadLetter,
    DeadLetterQueue,
    Place,
    Replayed,
    Selection,
    parse_place,
)
from stream.kafka.dead_letter_replay import Counts, Destination, Replay, SourceTopics
from stream.kafka.publisher import Publisher, publisher_of
from stream.lookup.open_tables import tables_of
from stream.tables import DROPPED, Tables

_OUTPUT = re.compile("([0-9]{1,9}):([0-9]{1,18})")  # partition and number, as they are printed
_OPTIONS = (
    click.option(
        "--reason", multiple=True, type=click.Choice([r.value for r in Reason]), help="Repeatable."
    ),
    click.option("--topic", multiple=True, help="Topic that the records came from. Repeatable."),
    click.option("--since", type=Instant(), help="Written at or after this time, with its zone."),
    click.option("--until", type=Instant(), help="Written before this time, with its zone."),
    click.option("--partition", type=click.IntRange(0), help="Partition of the dead letter."),
    click.option("--offset", type=click.IntRange(0), help="Offset of the dead letter."),
)


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that select dead letters, as ``selection``, and ``settings``."""

    @wraps(command)
    def run(
        reason: tuple[str, ...],
        topic: tuple[str, ...],
        since: int | None,
        until: int | None,
        partition: int | None,
        offset: int | None,
        **more: Any,
    ) -> None:
        if offset is not None and partition is None:
            raise click.UsageError("--offset needs --partition.")
        with readable_errors():
            settings = load_settings()
            names = settings.topics
            replayable = (*names.sources, *names.webhooks)
            known = {t: t for t in replayable} | {names.plain(t): t for t in replayable}
            topics = frozenset(known.get(t, t) for t in topic)
            chosen = Selection(frozenset(reason), topics, since, until, partition, offset)
            command(settings=settings, selection=chosen, **more)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What a command that replays was asked for."""

    selection: Selection
    limit: int | None
    dry_run: bool
    yes: bool


def replaying(command: Callable[[Settings, ReplayOptions], None]) -> Callable[..., None]:
    """Give a command the options of a replay."""

    @click.option("--limit", type=click.IntRange(1), help="The most to replay.")
    @click.option("--dry-run", is_flag=True, help="Only count what would be replayed.")
    @click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
    @selecting
    @wraps(command)
    def run(settings: Settings, selection: Selection, **options: Any) -> None:
        command(settings, ReplayOptions(selection, **options))

    return run


@click.group()
def dlq() -> None:
    """List, show and replay dead letters."""


@dlq.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@selecting
def list_letters(settings: Settings, selection: Selection, limit: int) -> None:
    """List dead letters without their contents."""
    asyncio.run(_list(settings, selection, limit))


@dlq.command()
@click.argument("place")
@click.option("--payload", is_flag=True, help="Also write the bytes of the value.")
def show(place: str, payload: bool) -> None:
    """Show the headers of the dead letter at PLACE, such as 0@42.

    With --payload the value is written to standard output (byte for byte, unless that is a
    terminal), and everything else to standard error.
    """
    with readable_errors():
        settings = load_settings()
        try:
            at = parse_place(place, settings.topics.dead_letters)
        except ValueError as error:
            raise click.UsageError(f"{str(error).capitalize()}.") from None
        letter = asyncio.run(_find(settings, at))
        if letter is None:
            fail([f"There is no dead letter at {at}; it may have outlived its retention."])
    for line in _description(letter):
        click.echo(line, err=payload)
    if payload:
        _write(letter.value or b"")


@dlq.command()
@replaying
def replay(settings: Settings, options: ReplayOptions) -> None:
    """Send dead letters back to their topics, each once.

    Key, value and headers are the original ones, with one more header that names the dead letter.
    A record that fails again becomes a new dead letter.
    """
    asyncio.run(_replay(settings, options))


@dlq.command()
def pending() -> None:
    """List outputs in Redis that may not be published yet.

    Their contents are not shown. Workers publish them when they start. A worker does not start
    while there is an output that it cannot read or publish: drop that one.
    """
    with readable_errors():
        asyncio.run(_pending(_settings_with_redis()))


@dlq.command()
@click.argument("id_", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def drop(id_: str, yes: bool) -> None:
    """Delete a pending output from Redis, so it is never published.

    ID is the one that `dlq pending` prints. Readers of its topic never receive it. The state of
    the accounts does not change.
    """
    if (found := _OUTPUT.fullmatch(id_)) is None:
        raise click.UsageError("An ID looks like 0:42; `shadowpoints dlq pending` lists them.")
    partition, sequence = map(int, found.groups())
    with readable_errors():
        settings = _settings_with_redis()
        if partition >= settings.partitions:
            raise click.UsageError(f"There are {settings.partitions} partitions, from 0 on.")
        if not yes:
            click.confirm(f"Never publish the output {id_}?", abort=True)
        if not asyncio.run(_drop(settings, partition, sequence)):
            fail([f"Nothing is pending under {id_}."])
    click.echo(f"dropped {id_}")


def _settings_with_redis() -> Settings:
    settings = load_settings()
    require_shared_store(settings)
    return settings


async def _pending(settings: Settings) -> None:
    found = 0
    async with _tables(settings) as tables:
        for partition in range(settings.partitions):
            for output in await tables.pending(partition):
                if output.record == DROPPED:
                    continue
                if not found:
                    click.echo(f"{'ID':16} {'TOPIC':32} {'BYTES':>10}")
                topic = output.record.topic if output.record else "cannot be read"
                id_ = f"{output.partition}:{output.sequence}"
                click.echo(escaped(f"{id_:16} {topic:32} {output.bytes_stored:>10}"))
                found += 1
    if not found:
        click.echo("Nothing is pending.", err=True)


async def _drop(settings: Settings, partition: int, sequence: int) -> bool:
    async with _tables(settings) as tables:
        return await tables.drop_pending(partition, sequence)


@asynccontextmanager
async def _tables(settings: Settings) -> AsyncIterator[Tables]:
    tables = tables_of(settings)
    await tables.open()
    try:
        yield tables
    finally:
        await tables.close()


async def _list(settings: Settings, selection: Selection, limit: int) -> None:
    listed = 0
    async with DeadLetterQueue(settings) as queue:
        replayed = await queue.replayed()
        async for letter in queue.letters(selection):
            if listed == limit:
                click.echo(f"There are more; --limit {limit * 10} shows them.", err=True)
                break
            if not listed:
                click.echo(_row("PLACE", "ORIGINAL", "REASON", "TIME", "BYTES", "", "MESSAGE"))
            click.echo(_row_of(letter, replayed))
            listed += 1
    if not listed:
        click.echo("There are no such dead letters.", err=True)


def _row_of(letter: DeadLetter, replayed: Replayed) -> str:
    return _row(
        str(letter.place),
        str(letter.original or "?"),
        letter.reason,
        shanghai(letter.time_ms),
        str(letter.size),
        "replayed" if letter.place in replayed else "",
        letter.message,
    )


def _row(
    place: str, original: str, reason: str, time: str, size: str, state: str, message: str
) -> str:
    cells = f"{place:28} {original:30} {reason:16} {time:25} {size:>8} {state:8} {message}"
    return escaped(cells)


async def _find(settings: Settings, place: Place) -> DeadLetter | None:
    async with DeadLetterQueue(settings) as queue:
        at = Selection(partition=place.partition, offset=place.offset)
        async for letter in queue.letters(at):
            return letter
    return None


def _description(letter: DeadLetter) -> list[str]:
    facts = {
        "place": str(letter.place),
        "original": str(letter.original or "?"),
        "reason": letter.reason,
        "time": shanghai(letter.time_ms),
        "message": letter.message,
        "key": "none" if letter.key is None else f"{len(letter.key)} bytes",
        "value": "none" if letter.value is None else f"{len(letter.value)} bytes",
    }
    if letter.shortened:
        facts["shortened"] = letter.shortened
    lines = [f"{name + ':':11}{escaped(text)}" for name, text in facts.items()]
    headers = [(n, v.decode("utf-8", "backslashreplace")) for n, v in letter.headers]
    return [*lines, "headers:", *(escaped(f"  {name}: {value}") for name, value in headers)]


def _write(value: bytes) -> None:
    if sys.stdout.isatty():
        click.echo(escaped(value.decode("utf-8", "backslashreplace")))
    else:
        click.echo(value, nl=False)


async def _replay(settings: Settings, options: ReplayOptions) -> None:
    publisher = publisher_of(settings)
    await replay_letters(
        settings, options, SourceTopics(settings.topics, publisher.publish), publisher
    )


async def replay_letters(
    settings: Settings, options: ReplayOptions, destination: Destination, publisher: Publisher
) -> None:
    """Replay what was asked for, and print the counts; the publisher is opened if it is needed."""
    async with DeadLetterQueue(settings) as queue:
        replayed = await queue.replayed()
        if options.dry_run or not options.yes:
            trial = Replay(queue, replayed, destination, None)
            found = await trial.run(options.selection, options.limit)
            _print_counts(found, "to replay")
            if options.dry_run or not found.replayed:
                return
            click.confirm(f"Replay {found.replayed:,} dead letters?", abort=True)
        async with explained(settings), publisher:
            run = Replay(queue, replayed, destination, publisher.publish)
            with click.progressbar(length=queue.total, file=sys.stderr) as bar:
                counts = await run.run(options.selection, options.limit, bar.update)
    _print_counts(counts, "replayed")


def _print_counts(counts: Counts, word: str) -> None:
    click.echo(f"{counts.replayed:,} {word}")
    for reason, number in sorted(counts.reasons.items()):
        click.echo(f"  {number:,} {escaped(reason)}")
    for number, what in (
        (counts.already, "replayed before, left out"),
        (counts.foreign, "not replayed by this command, left out"),
        (counts.erased, "erased, left out"),
        (counts.shortened, "shortened, so their bytes are lost, left out"),
        (counts.refused, "not taken, so they stay dead letters"),
    ):
        if number:
            click.echo(f"{number:,} {what}")
