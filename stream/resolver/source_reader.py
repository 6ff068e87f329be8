# SPDX-License-Identifier: Apache-2.0
"""Read the source topics in the resolver's consumer group; a crash repeats lookups: no harm.

Records of ``wechat.pay`` that are older than getPaidUnionId's window are skipped:
WeChat no longer answers about them, and they would delay those it does answer about. A new group
begins with that window, at the end of ``wechat.official-account``, and at the beginning of
``wechat.shop``: hints of orders have no window. A new partition of a topic that the group knows is
read from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import TopicPartition

from schemas.topics import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY, TOPIC_SHOP
from stream.config.settings import Settings
from stream.kafka.group_reader import GroupReader, RecordPosition
from stream.resolver.lookups import PAID_WINDOW_MS

TOPICS: Final = (TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT, TOPIC_SHOP)


class SourceReader(GroupReader):
    """``on_skipped`` is called with the number of records skipped."""

    def __init__(
        self,
        settings: Settings,
        now_ms: Callable[[], int],
        on_lost: Callable[[Sequence[RecordPosition]], None],
        on_skipped: Callable[[int], None],
    ) -> None:
        topics = [settings.topics.prefix + name for name in TOPICS]
        super().__init__(settings, f"{settings.namespace}-resolver", topics, on_lost)
        self._now_ms, self._on_skipped = now_ms, on_skipped

    async def start_offset(self, at: TopicPartition) -> int:
        """The first offset to read: in ``wechat.pay``, no record whose window has passed."""
        committed = await self._consumer.committed(at)
        end: int = (await self._consumer.end_offsets([at]))[at]
        if at.topic == self._settings.topics.prefix + TOPIC_SHOP:
            return 0 if committed is None or committed > end else int(committed)
        if at.topic != self._settings.topics.prefix + TOPIC_PAY:
            if committed is not None:
                return min(int(committed), end)
            return 0 if await self._has_read(at.topic) else end
        since_ms = self._now_ms() - PAID_WINDOW_MS
        found = (await self._consumer.offsets_for_times({at: since_ms}))[at]
        begin = end if found is None else int(found.offset)
        if committed is None or committed > end:  # a new group, or a recreated topic
            return begin
        self._on_skipped(max(0, begin - int(committed)))
        return max(begin, int(committed))

    async def _has_read(self, topic: str) -> bool:
        """Whether the group has read any partition of a topic before."""
        partitions = [TopicPartition(topic, p) for p in self._consumer.partitions_for_topic(topic)]
        return any([await self._consumer.committed(p) is not None for p in partitions])
