# SPDX-License-Identifier: Apache-2.0
"""Copy the source topics into files, a line for each record, as ``kcat -J`` prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from stream.config.settings import Settings
from stream.kafka.topic_reader import OnRead, TopicReader, TopicRecord
from stream.replay.run import Watch

#: What stands for bytes that are no UTF-8, and like them no JSON.
_NO_TEXT: Final = "\ufffd"


async def copy_topics(settings: Settings, directory: Path, watch: Watch) -> list[Path]:
    """Copy what the source topics have now, with their prefix; raises ``TopicsUnfit``, ``OSError``.

    Nothing but one fetch is held in memory. The files are as private as the directory.
    """
    paths = []
    async with TopicReader(settings, settings.topics.sources) as reader:
        on_read = watch("copying", reader.total)
        for topic in settings.topics.sources:
            paths.append(directory / f"{topic}.jsonl")
            await _copy(reader, topic, paths[-1], on_read)
    return paths


async def _copy(reader: TopicReader, topic: str, path: Path, on_read: OnRead) -> None:
    with path.open("xb") as file:
        async for record in reader.read(topic, on_read):
            file.write(line_of(topic, record))


def line_of(topic: str, record: TopicRecord) -> bytes:
    """A record as a line."""
    headers = [text for name, value in record.headers for text in (name, _text(value))]
    document = {
        "topic": topic,
        "ts": record.timestamp,
        "headers": headers,
        "payload": _text(record.value),
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return _NO_TEXT
