# SPDX-License-Identifier: Apache-2.0
"""Build dead letters: the original bytes with their position and the reason.

Equal input gives equal dead letters. The topic is compacted, so that a single one can be erased:
its key is the position of the original, and its value is never null, which would erase it.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Final

from schemas.dead_letter import (
    KEY,
    NO_VALUE,
    PREFIX,
    SHORTENED,
    UNREADABLE,
    Reason,
    dead_letter_headers,
    dead_letter_key,
)
from stream.addressing.topics import TopicNames
from stream.kafka.encode import bytes_of
from stream.kafka.record_batches import InputRecord
from stream.kafka.unreadable_records import UnreadableRecords, first_offset
from stream.tables.base import Record

#: Bytes that a shortened dead letter keeps of the value, and of the key.
SHORT_BYTES_MAX: Final = 4_096


class Stage(StrEnum):
    """The stage at which a record failed."""

    IDENTIFY = "identify"
    REWARD = "reward"
    PUBLISH = "publish"
    WEBHOOK = "webhook"  # the record is an output, and sound


UNEXPECTED = (
    "The record made the engine fail unexpectedly; report it with the offset, replay it after "
    "the fix."
)
FOREIGN = (
    "The record of the resolved topic was not written by this engine; nothing else may "
    "publish there."
)


def dead_letter(
    names: TopicNames,
    *,
    topic: str,
    partition: int,
    record: InputRecord,
    stage: Stage,
    reason: Reason,
    message: str,
    partitions: int,
) -> Record:
    """The dead letter of a record; those of one partition stay in order.

    It goes to the partition of the same number. ``partitions`` is how many there are: a source may
    have more.
    """
    offset = first_offset(record)
    headers = dead_letter_headers(
        record.headers,
        topic=topic,
        partition=partition,
        offset=offset,
        stage=stage.value,
        reason=reason,
        message=message,
        key=record.key,
        has_value=record.value is not None,
    )
    if isinstance(record, UnreadableRecords):
        headers.append((SHORTENED, UNREADABLE))
    key = dead_letter_key(topic, partition, offset)
    to = partition % partitions
    letter = Record(names.dead_letters, key, record.value or b"", tuple(headers), to)
    return letter if bytes_of(letter) <= names.bytes_max(letter.topic) else shortened(letter)


def shortened(letter: Record, bytes_max: int = SHORT_BYTES_MAX) -> Record:
    """A dead letter with the first bytes of its value and key, and a digest of all of the value.

    The original's headers are dropped unless they are small, since they may be what is large.
    """
    value = letter.value or b""
    digest = dict(letter.headers).get(SHORTENED) or (
        f"{len(value)} {sha256(value).hexdigest()}".encode()
    )
    kept = [header for header in letter.headers if header[0] != SHORTENED]
    if sum(len(name) + len(text) for name, text in kept) > min(bytes_max * 16, 65_536):
        kept = [h for h in kept if h[0].startswith(PREFIX) or h[0] in (KEY, NO_VALUE)]
    headers = [(n, text[:bytes_max] if n == KEY else text) for n, text in kept]
    short = (*headers, (SHORTENED, digest))
    return Record(letter.topic, letter.key, value[:bytes_max], short, letter.partition)


def oversized_output(names: TopicNames, output: Record, *, partition: int, offset: int) -> Record:
    """The dead letter that replaces an output larger than its topic takes.

    ``partition`` and ``offset`` are those of the causing record of the resolved topic. The output's
    bytes are left out: applying that record again makes them.
    """
    most = names.bytes_max(output.topic)
    return _without_bytes(
        names,
        output,
        place=(names.resolved, partition, offset),
        stage=Stage.REWARD,
        message=f"What follows from the record has {bytes_of(output):,} bytes, more than the "
        f"{most:,} which {output.topic} takes; it was left out, the rest was applied.",
        partition=partition,
    )


def refused_record(names: TopicNames, record: Record, partition: int) -> Record | None:
    """The dead letter that replaces a record refused by a broker for its size.

    A refused dead letter is replaced by one without the original's bytes: its topic takes less than
    it should. ``None`` if that was refused as well.
    """
    if record.topic != names.dead_letters:
        return _without_bytes(
            names,
            record,
            place=(record.topic, partition, None),
            stage=Stage.PUBLISH,
            message=f"The broker refuses the record, of {bytes_of(record):,} bytes, for its size; "
            "it was left out. See to the max.message.bytes of the topic.",
            partition=partition,
        )
    short = shortened(record, 0)
    return short if short != record else None


def id_of(record: Record) -> str:
    """An output's id: the event's; for a message, which has none, a hash."""
    for name, value in record.headers:
        if name == "ce_id":
            return value.decode()
    return blake2b(record.value or b"", digest_size=16).hexdigest()


def _without_bytes(
    names: TopicNames,
    output: Record,
    *,
    place: tuple[str, int, int | None],
    stage: Stage,
    message: str,
    partition: int,
) -> Record:
    """One record may cause several of these, so the key also has the output's id."""
    topic, at, offset = place
    headers = dead_letter_headers(
        output.headers,
        topic=topic,
        partition=at,
        offset=offset,
        stage=stage.value,
        reason=Reason.OUTPUT_TOO_LARGE,
        message=message,
        key=output.key,
        has_value=False,
    )
    key = f"{topic}-{at}/{id_of(output)}".encode()
    if offset is not None:
        key = dead_letter_key(topic, at, offset) + f"/{id_of(output)}".encode()
    return Record(names.dead_letters, key, b"", tuple(headers), partition)
