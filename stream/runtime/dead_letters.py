"""Dead letters: the original bytes with their place and the reason, equal for equal input.

The topic is compacted, which is how a single letter can be erased. So its key is its own, the
place of the original, and a value is never null: that would erase the letter itself.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.dead_letter import Reason, dead_letter_headers, dead_letter_key
from stream.runtime.runs import InputRecord
from stream.runtime.topics import TopicNames
from stream.tables.base import Record


class Stage(StrEnum):
    """Where a record failed."""

    IDENTIFY = "identify"
    REWARD = "reward"


UNEXPECTED = (
    "The record made the engine fail unexpectedly; report it with the offset, replay it after "
    "the fix."
)
FOREIGN = (
    "The record of the resolved topic is not one which this engine writes; nothing else may "
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
) -> Record:
    """The dead letter of a record; it keeps the partition number and thereby the order."""
    headers = dead_letter_headers(
        record.headers,
        topic=topic,
        partition=partition,
        offset=record.offset,
        stage=stage.value,
        reason=reason,
        message=message,
        key=record.key,
        has_value=record.value is not None,
    )
    key = dead_letter_key(topic, partition, record.offset)
    return Record(names.dead_letters, key, record.value or b"", tuple(headers), partition)


def describe_failure(error: BaseException) -> str:
    """Type and place of an exception, without its text, which may repeat what was sent."""
    traceback, place = error.__traceback__, "?"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{code.co_qualname}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return f"{type(error).__name__} in {place}"
