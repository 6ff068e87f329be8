# SPDX-License-Identifier: Apache-2.0
"""What the gateway injects into endpoints: the Kafka publisher, the clock and an event counter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason


class Publish(Protocol):
    """Publishes events to their topics, in batches shared with other requests."""

    async def __call__(self, events: Sequence[OutboundEvent]) -> None:
        """Return once Kafka has acknowledged all of them; raise `Unavailable` otherwise.

        An event that was not acknowledged may be in Kafka all the same. Publishing it again is
        harmless: the same event has the same id and the same business key.
        """


class Unavailable(DeliveryRejected):
    """Kafka has not acknowledged in time: 503, so that the sender tries again."""

    def __init__(self) -> None:
        super().__init__(
            RejectReason.UNAVAILABLE, "Kafka did not acknowledge in time; send it again."
        )


def no_count(*what: object) -> None:
    """A counter that does nothing."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """``now_ms`` is the wall clock (ms since the epoch).

    ``count_event`` counts one event of a batch, by the kind of client and the outcome;
    ``count_forward`` a forward by endpoint and outcome, with its seconds.
    """

    publish: Publish
    now_ms: Callable[[], int]
    count_event: Callable[[str, str], None] = no_count
    count_forward: Callable[[str, str, float], None] = no_count
