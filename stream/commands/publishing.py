"""Commands which publish events: a publisher, once the topic is known to be there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
from stream.runtime.security import kafka_options
from stream.runtime.topic_reader import TopicReader
from stream.settings import Settings
from stream.tables import Record

Publish = Callable[[Sequence[Record]], Awaitable[None]]


@asynccontextmanager
async def publishing(settings: Settings, *topics: str) -> AsyncIterator[Publish]:
    """What returns when every replica has the records; raises `TopicsUnfit`."""
    async with TopicReader(settings, topics):
        pass  # says so now if a topic is missing, or a right
    publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
    async with explained(settings), publisher:
        yield publisher.publish
