"""``shadowpoints dlq``: look at dead letters, and send them back where they came from."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from schemas import Reason
from stream.commands.common import Instant, escaped, fail, sentences, shanghai
from stream.runtime.dead_letter_queue import (
    DeadLetterQueue,
    Letter,
    Place,
    Replayed,
    Selection,
    parse_place,
)
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
from stream.runtime.replay import Counts, Replay
from stream.runtime.security import kafka_options
from stream.settings import Settings, load_settings

_OPTIONS = (
    click.option(
        "--reason", multiple=True, type=click.Choice([r.value for r in Reason]), help="Repeatable."
    ),
    click.option("--topic", multiple=True, help="Topic the records came from. Repeatable."),
    click.option("--since", type=Instant(), help="Dead since this time, with its zone."),
    click.option("--until", type=Instant(), help="Dead before this time, with its zone."),
    click.option("--partition", type=click.IntRange(0), help="Partition of the dead letter."),
    click.option("--offset", type=click.IntRange(0), help="Offset of the dead letter."),
)


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options which select letters, as one ``selection`` and ``settings``."""

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
        with sentences():
            settings = load_settings()
            names = settings.topics
            known = {t: t for t in names.sources} | {names.plain(t): t for t in names.sources}
            topics = frozenset(known.get(t, t) for t in topic)
            chosen = Selection(frozenset(reason), topics, since, until, partition, offset)
            command(settings=settings, selection=chosen, **more)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


@click.group()
def dlq() -> None:
    """Dead letters: records which could not be handled, with the reason."""


@dlq.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@_selecting
def list_letters(settings: Settings, selection: Selection, limit: int) -> None:
    """List dead letters, never what is in them."""
    asyncio.run(_list(settings, selection, limit))


@dlq.command()
@click.argument("place")
@click.option("--payload", is_flag=True, help="Write the value's bytes, too.")
def show(place: str, payload: bool) -> None:
    """Show the headers of the dead letter at PLACE, such as 0@42.

    With --payload the value goes to standard output, byte for byte unless that is a terminal,
    and all the rest to standard error.
    """
    with sentences():
        settings = load_settings()
        try:
            at = parse_place(place, settings.topics.dead_letters)
        except ValueError as error:
            fail([f"{error}."])
        letter = asyncio.run(_find(settings, at))
        if letter is None:
            fail([f"There is no dead letter at {at}; it may have outlived its retention."])
    for line in _description(letter):
        click.echo(line, err=payload)
    if payload:
        _write(letter.value or b"")


@dlq.command()
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--dry-run", is_flag=True, help="Only say what would be replayed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_selecting
def replay(
    settings: Settings, selection: Selection, limit: int | None, dry_run: bool, yes: bool
) -> None:
    """Send dead letters back to the topics they came from, each once.

    Key, value and headers are the original ones, with one header more which names the dead
    letter. What fails again becomes a new dead letter.
    """
    asyncio.run(_replay(settings, selection, limit, dry_run, yes))


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


def _row_of(letter: Letter, replayed: Replayed) -> str:
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


async def _find(settings: Settings, place: Place) -> Letter | None:
    async with DeadLetterQueue(settings) as queue:
        at = Selection(partition=place.partition, offset=place.offset)
        async for letter in queue.letters(at):
            return letter
    return None


def _description(letter: Letter) -> list[str]:
    facts = {
        "place": str(letter.place),
        "original": str(letter.original or "?"),
        "reason": letter.reason,
        "time": shanghai(letter.time_ms),
        "message": letter.message,
        "key": "none" if letter.key is None else f"{len(letter.key)} bytes",
        "value": "none" if letter.value is None else f"{len(letter.value)} bytes",
    }
    lines = [f"{name + ':':10}{escaped(text)}" for name, text in facts.items()]
    headers = [(n, v.decode("utf-8", "backslashreplace")) for n, v in letter.headers]
    return [*lines, "headers:", *(escaped(f"  {name}: {value}") for name, value in headers)]


def _write(value: bytes) -> None:
    if sys.stdout.isatty():
        click.echo(escaped(value.decode("utf-8", "backslashreplace")))
    else:
        click.echo(value, nl=False)


async def _replay(
    settings: Settings, selection: Selection, limit: int | None, dry_run: bool, yes: bool
) -> None:
    names, partitions = settings.topics, settings.partitions
    async with DeadLetterQueue(settings) as queue:
        replayed = await queue.replayed()
        if dry_run or not yes:
            trial = Replay(queue, replayed, names, partitions, None)
            found = await trial.run(selection, limit)
            _tell(found, "to replay")
            if dry_run or not found.replayed:
                return
            click.confirm(f"Replay {found.replayed:,} dead letters?", abort=True)
        publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
        async with explained(settings), publisher:
            run = Replay(queue, replayed, names, partitions, publisher.publish)
            with click.progressbar(length=queue.total, file=sys.stderr) as bar:
                counts = await run.run(selection, limit, bar.update)
    _tell(counts, "replayed")


def _tell(counts: Counts, word: str) -> None:
    click.echo(f"{counts.replayed:,} {word}")
    for reason, number in sorted(counts.reasons.items()):
        click.echo(f"  {number:,} {escaped(reason)}")
    for number, what in (
        (counts.already, "replayed before, left out"),
        (counts.foreign, "of no source topic, left out"),
        (counts.too_large, "too large for the topic once more, left out"),
    ):
        if number:
            click.echo(f"{number:,} {what}")
