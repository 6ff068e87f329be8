# SPDX-License-Identifier: Apache-2.0
"""A fingerprint of a record, to recognise later whether a log is still the one that was read.

Kafka names a record by its offset. After an unclean election, a restored disk, or a topic that was
deleted and created again, another record may have that offset, or none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from stream.kafka.record_batches import InputRecord

_TEXT = re.compile(r"(\d{1,18}):([0-9a-f]{16})(?::([0-9a-f]{32}))?")


@dataclass(frozen=True, slots=True)
class RecordMark:
    """The offset of a record, a digest of its timestamp, key and value, and the topic's id.

    ``log`` is empty where the broker has no ids of topics.
    """

    offset: int
    digest: str
    log: str = ""

    @classmethod
    def of(cls, record: InputRecord, log: str = "") -> Self:
        key, value = record.key or b"", record.value or b""
        head = f"{record.timestamp} {len(key)} {record.value is None:d} ".encode()
        digest = blake2b(head, digest_size=8)
        digest.update(key)
        digest.update(value)
        return cls(record.offset, digest.hexdigest(), log)

    def agrees(self, found: RecordMark) -> bool:
        """Whether the found record may be this one; one at another offset may."""
        return found.offset != self.offset or found.digest == self.digest

    def is_of(self, log: str) -> bool:
        """Whether the topic with this id may be the one that was read."""
        return not (self.log and log) or self.log == log

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The inverse of ``str``; ``None`` for other text."""
        found = _TEXT.fullmatch(text)
        return cls(int(found[1]), found[2], found[3] or "") if found else None

    def __str__(self) -> str:
        return ":".join(filter(None, (str(self.offset), self.digest, self.log)))


def text_of(mark: RecordMark | None) -> str:
    """The inverse of ``RecordMark.parse``."""
    return "" if mark is None else str(mark)
