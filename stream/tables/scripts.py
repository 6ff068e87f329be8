"""The two scripts: their source, their arguments in order, their answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources

import msgspec

from stream.tables.base import Claim, Commit, Committed, Fenced, Record
from stream.tables.checks import other_offset, other_owner
from stream.tables.keys import PartitionKeys

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

SCRIPTS = (_CLAIM, _COMMIT)


def claim_call(keys: PartitionKeys, generation: int, owner: str, request: str) -> Command:
    """``request`` is the same for every try of one claim."""
    return _CLAIM.call([keys.meta], [generation, owner, request])


def claim_answer(reply: Sequence[bytes], records: Sequence[bytes]) -> Claim:
    """From what the script answers and the list of pending output."""
    epoch, applied, clock_ms, head = map(int, reply)
    return Claim(
        epoch=epoch,
        applied_offset=applied,
        clock_ms=clock_ms,
        pending_from=head,
        pending=tuple(map(_decode_record, records)),
    )


def commit_call(keys: PartitionKeys, commit: Commit, step: int) -> Command:
    """``step`` is the same for every try of one commit, and higher than in all before it."""
    prefix = keys.entity_prefix
    command: Command = [
        "EVALSHA",
        _COMMIT.sha,
        3 + len(commit.writes),
        keys.meta,
        keys.pending,
        keys.due,
        *[prefix + key for key in commit.writes],
        commit.epoch,
        step,
        commit.expected_offset,
        commit.applied_offset,
        commit.clock_ms,
        commit.published_before,
        len(prefix),  # in bytes: a namespace is ASCII
        len(commit.counts),
    ]
    for item in commit.counts.items():
        command += item
    for write in commit.writes.values():
        value, due_ms, ttl_s = write.value, write.due_ms, write.ttl_s
        if value is None:
            command += (b"", b"", b"0")
        else:
            command += (value, b"" if due_ms is None else due_ms, b"" if ttl_s is None else ttl_s)
    command += map(_encode_record, commit.outputs)
    return command


def commit_answer(commit: Commit, reply: Sequence[bytes]) -> Committed | Fenced:
    """From what the script answers."""
    match reply:
        case [b"committed", first]:
            return Committed(int(first))
        case [b"offset", applied]:
            return Fenced(other_offset(commit, int(applied)))
        case _:  # epoch, or a step which a later one of the same epoch has overtaken
            return Fenced(other_owner(commit.partition))
