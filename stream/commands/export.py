"""``shadowpoints export``: everything that is known about one person."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from stream.commands.common import fail, sentences
from stream.commands.who import naming_a_consumer
from stream.engine.ruleset import RuleBook
from stream.runtime.exporting import Exporter
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.rulebook import rules_of
from stream.runtime.state import tables_of
from stream.runtime.topic_reader import TopicReader
from stream.settings import Settings, load_settings


@click.command()
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead."
)
@naming_a_consumer
def export(key: str, output: Path | None) -> None:
    """Write all that is known of CONSUMER, a consumer_id, as one JSON document.

    An origin which is bound leads to its consumer. Our topics are read from beginning to end. A
    file is made readable for its owner alone.
    """
    with sentences():
        settings = load_settings()
        text = asyncio.run(_exported(settings, rules_of(settings), key))
        if text is None:
            fail(["Nothing is known about this consumer."])
    try:
        with _opened(output) as file:
            file.write(text)
    except OSError as error:
        fail([f"{output} cannot be written: {error.strerror}."])


async def _exported(settings: Settings, book: RuleBook, key: str) -> bytes | None:
    tables = tables_of(settings)
    exporter = Exporter(tables, book, settings.partitions, settings.topics)
    try:
        await tables.open()
        (found,) = exports = await exporter.begin([key], wall_clock_ms())
        async with TopicReader(settings, exporter.topics) as reader:
            with click.progressbar(length=reader.total, file=sys.stderr) as bar:
                await exporter.read(reader, exports, bar.update)
    finally:
        await tables.close()
    if found.is_empty:
        return None
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(found.document(settings.topics), option=options)


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield click.get_binary_stream("stdout")
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # one which was there before, too
        yield file
