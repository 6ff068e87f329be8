# SPDX-License-Identifier: Apache-2.0
"""Check topics and publish events, for the commands that publish."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from schemas import binary_headers, encode_data
from schemas.base import Closed
from schemas.topics import TOPIC_PRIVACY
from stream.config.settings import Settings
from stream.kafka.connection_errors import explained
from stream.kafka.publisher import publisher_of
from stream.kafka.topic_reader import require_topics
from stream.tables import Record

Publish = Callable[[Sequence[Record]], Awaitable[None]]


@asynccontextmanager
async def publishing(settings: Settings, *topics: str) -> AsyncIterator[Publish]:
    """A function that returns when every replica has the records; raises `TopicsUnfit`."""
    await require_topics(settings, topics)
    publisher = publisher_of(settings)
    async with explained(settings), publisher:
        yield publisher.publish


async def publish_request(
    settings: Settings, type_: str, request: Closed, *, key: str, event_id: str, time_ms: int
) -> str:
    """Publish an operator's request; return the topic's full name. Raises `TopicsUnfit`."""
    topic = settings.topics.prefix + TOPIC_PRIVACY
    source = f"urn:shadowpoints:{settings.namespace}:operator"
    headers = binary_headers(type_, event_id, source, time_ms, key)
    record = Record(topic, key.encode(), encode_data(request), tuple(headers))
    publisher = publisher_of(settings)
    async with explained(settings), publisher:
        await publisher.publish([record])
    return topic
