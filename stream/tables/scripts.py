# SPDX-License-Identifier: Apache-2.0
"""Call the Lua scripts: their sources, their arguments in order, their replies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources

import msgspec

from stream.tables.base import (
    DROPPED,
    Claim,
    Commit,
    Committed,
    Fenced,
    Pending,
    Record,
    TablesUnavailable,
)
from stream.tables.checks import other_offset, other_owner
from stream.tables.keys import META_NOTE, PartitionKeys

#: A command and its arguments, as they go over the wire.
Command = list[str | bytes | int]

_encode_record = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(Record).decode


class Script:
    """A Lua script, called by the digest under which Redis has it."""

    def __init__(self, name: str) -> None:
        self.source = resources.files("stream.tables").joinpath("lua", name).read_text("utf-8")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def call(self, keys: Sequence[str], args: Command) -> Command:
        return ["EVALSHA", self.sha, len(keys), *keys, *args]


_CLAIM = Script("claim.lua")
_COMMIT = Script("commit.lua")

_DROP = Script("drop.lua")

SCRIPTS = (_CLAIM, _COMMIT, _DROP)


def claim_call(keys: PartitionKeys, generation: int, owner: str, request: str) -> Command:
    """``request`` is the same for every try of one claim."""
    return _CLAIM.call([keys.meta], [generation, owner, request])


def notes_of(meta: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The notes among the fields of a meta hash."""
    prefix = len(META_NOTE)
    return {
        field[prefix:].decode(): value
        for field, value in meta.items()
        if field.startswith(META_NOTE)
    }


def claim_answer(
    partition: int, reply: Sequence[bytes], records: Sequence[bytes], notes: Mapping[str, bytes]
) -> Claim:
    """Decode the script's reply, the list of pending output and the notes."""
    epoch, applied, clock_ms, head = map(int, reply[:4])
    found = pending_answer(partition, head, records)
    if broken := [f"{p.partition}:{p.sequence}" for p in found if p.record is None]:
        raise TablesUnavailable(
            f"Redis holds pending output which cannot be read, {', '.join(broken[:5])} among it: "
            "`shadowpoints dlq pending` lists it, `shadowpoints dlq drop ID` takes it out"
        )
    return Claim(
        epoch=epoch,
        applied_offset=applied,
        clock_ms=clock_ms,
        pending_from=head,
        pending=tuple(p.record or DROPPED for p in found),
        mark=reply[4].decode(),
        notes=notes,
    )


def pending_answer(partition: int, head: int, records: Sequence[bytes]) -> list[Pending]:
    """Decode the list of pending output, whose first one has the number ``head``."""
    return [
        Pending(partition, head + at, _record(stored), len(stored))
        for at, stored in enumerate(records)
    ]


def _record(stored: bytes) -> Record | None:
    if not stored:
        return DROPPED
    try:
        return _decode_record(stored)
    except msgspec.MsgspecError:
        return None


def drop_call(keys: PartitionKeys, sequence: int) -> Command:
    """Its reply is whether that output was pending."""
    return _DROP.call([keys.meta, keys.pending], [sequence])


def commit_call(keys: PartitionKeys, commit: Commit, step: int) -> Command:
    """``step`` is the same for every try of one commit, and higher than in all before it."""
    prefix = keys.entity_prefix
    pages = [
        (keys.page(key, number), page)
        for key, write in commit.writes.items()
        if write.pages
        for number, page in write.pages.items()
    ]
    command: Command = [
        "EVALSHA",
        _COMMIT.sha,
        3 + len(commit.writes) + len(pages),
        keys.meta,
        keys.pending,
        keys.due,
        *[prefix + key for key in commit.writes],
        *[name for name, _ in pages],
        commit.epoch,
        step,
        commit.expected_offset,
        commit.applied_offset,
        commit.clock_ms,
        commit.published_before,
        commit.mark,
        len(prefix),  # in bytes: a namespace is ASCII
        len(commit.counts),
        len(commit.notes),
        len(commit.wakes),
        len(commit.writes),
    ]
    for item in commit.counts.items():
        command += item
    for note in commit.notes.items():
        command += note
    for key, at_ms in commit.wakes.items():
        command += (at_ms, key)
    for write in commit.writes.values():
        value, due_ms, ttl_s = write.value, write.due_ms, write.ttl_s
        if value is None:
            command += (b"", b"", b"0")
        else:
            command += (value, b"" if due_ms is None else due_ms, b"" if ttl_s is None else ttl_s)
    command += [b"" if page is None else page for _, page in pages]
    command += map(_encode_record, commit.outputs)
    return command


def commit_answer(commit: Commit, reply: Sequence[bytes]) -> Committed | Fenced:
    """Decode the script's reply."""
    match reply:
        case [b"committed", first]:
            return Committed(int(first))
        case [b"offset", applied]:
            return Fenced(other_offset(commit, int(applied)))
        case _:  # epoch, or a step which a later one of the same epoch has overtaken
            return Fenced(other_owner(commit.partition))
