# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints export``: write everything that is stored about one person."""

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

from stream.commands.common import fail, readable_errors
from stream.commands.consumer_argument import consumer_argument
from stream.config.settings import Settings, load_settings
from stream.kafka.topic_reader import TopicReader
from stream.lookup.open_tables import tables_of
from stream.privacy.export import Exporter
from stream.process.clock import wall_clock_ms


@click.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@consumer_argument
def export(key: str, output: Path | None) -> None:
    """Write everything that is stored about a person as JSON.

    CONSUMER is a consumer_id; a bound origin leads to its consumer. All topics of Shadowpoints are
    read from beginning to end. Only its owner can read the file.
    """
    with readable_errors():
        settings = load_settings()
        text = asyncio.run(_exported(settings, key))
        if text is None:
            fail(["Nothing is known about this consumer."])
    try:
        with _opened(output) as file:
            file.write(text)
    except OSError as error:
        fail([f"{output} cannot be written: {error.strerror}."])


async def _exported(settings: Settings, key: str) -> bytes | None:
    tables = tables_of(settings)
    exporter = Exporter(tables, settings.partitions, settings.topics)
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
        os.fchmod(descriptor, 0o600)  # also if the file existed before
        yield file
