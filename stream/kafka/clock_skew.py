# SPDX-License-Identifier: Apache-2.0
"""Compare this machine's clock with the brokers', which count; a worker ends if it is wrong.

On a topic with ``message.timestamp.type=LogAppendTime`` the broker tells the publisher when it
appended a record. That must lie between sending and acknowledgement: the distance outside is the
least by which the two clocks differ.
"""

from __future__ import annotations

from typing import Final

from aiokafka.errors import KafkaError

from stream.config.connections import PREFIX
from stream.kafka.record_batches import InputRecord

LOG_APPEND_TIME: Final = 1  # as against 0, the producer's own (CreateTime)
#: 2016, before Kafka had such times: librdkafka's mock broker answers 1234, and means nothing.
_EARLIEST_MS: Final = 1_451_606_400_000


class ClockWrong(KafkaError):  # type: ignore[misc]
    """This machine's clock and a broker's differ by too much; the message is a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


def now_of(record: InputRecord, clock_ms: int) -> int:
    """The time at which a record is judged: when a broker appended it, or else our clock's."""
    return record.timestamp if record.timestamp_type == LOG_APPEND_TIME else clock_ms


def ahead_ms(sent_ms: int, acknowledged_ms: int, appended_ms: int) -> int:
    """The least by which our clock is ahead of a broker's; negative if it is behind."""
    if appended_ms < _EARLIEST_MS:
        return 0
    low, high = sorted((sent_ms, acknowledged_ms))
    return low - appended_ms if appended_ms < low else min(0, high - appended_ms)


def wrong(ahead_s: float) -> ClockWrong:
    """The error for a clock that differs by too much."""
    return ClockWrong(
        f"This machine's clock is {abs(ahead_s):,.0f} s {'ahead of' if ahead_s > 0 else 'behind'} "
        "the Kafka broker's: set whichever is wrong (NTP), then start the worker again. No account "
        f"was changed by it; {PREFIX}CLOCK_SKEW_MAX_S is how far they may differ."
    )


def refused(topic: str) -> ClockWrong:
    """The error for a topic with producers' times (CreateTime) whose broker refuses ours."""
    return ClockWrong(
        f"The Kafka broker refuses the time of a record for {topic}: this machine's clock is "
        "wrong, or the broker's; set it (NTP). The topic should have "
        "message.timestamp.type=LogAppendTime: run shadowpoints topics check."
    )
