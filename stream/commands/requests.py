"""Requests which an operator publishes, as events like any other."""

from __future__ import annotations

from schemas import binary_headers, encode_data
from schemas.base import Closed
from schemas.registry import TOPIC_PRIVACY
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
from stream.runtime.security import kafka_options
from stream.settings import Settings
from stream.tables import Record


async def publish_request(
    settings: Settings, type_: str, request: Closed, *, key: str, event_id: str, time_ms: int
) -> str:
    """Publish on ``privacy.requests``, and answer what that is called; raises `TopicsUnfit`."""
    topic = settings.topics.prefix + TOPIC_PRIVACY
    source = f"urn:shadowpoints:{settings.namespace}:operator"
    headers = binary_headers(type_, event_id, source, time_ms, key)
    record = Record(topic, key.encode(), encode_data(request), tuple(headers))
    publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
    async with explained(settings), publisher:
        await publisher.publish([record])
    return topic
