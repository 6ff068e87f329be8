# SPDX-License-Identifier: Apache-2.0
"""List the partitions that topics have now; producers may add some to source topics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition


async def partitions_of(consumer: Any, topics: Iterable[str]) -> dict[str, list[TopicPartition]]:
    """All partitions by topic, none of a missing one; asks the broker.

    ``consumer`` is aiokafka's, which has no public way to ask before anything is assigned.
    """
    cluster = await consumer._client.fetch_all_metadata()
    return {
        topic: [TopicPartition(topic, p) for p in sorted(cluster.partitions_for_topic(topic) or ())]
        for topic in topics
    }
