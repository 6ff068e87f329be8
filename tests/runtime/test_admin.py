from __future__ import annotations

from typing import Protocol

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.runtime.admin import check_topics, create_topics
from stream.runtime.refusals import TopicsUnfit
from stream.settings import Settings, load_settings

pytestmark = pytest.mark.integration


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


def settings(kafka: Broker, prefix: str, partitions: int = 2) -> Settings:
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "TOPIC_PREFIX": f"{prefix}.",
        "PARTITIONS": str(partitions),
    }
    return load_settings({f"SHADOWPOINTS_{name}": value for name, value in variables.items()})


async def config_of(kafka: Broker, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def test_topics_are_created_once_and_configured(kafka: Broker, namespace: str) -> None:
    ours = settings(kafka, namespace)
    with pytest.raises(TopicsUnfit) as missing:
        await check_topics(ours)
    assert len(missing.value.problems) == len(ours.topics.all())
    assert "shadowpoints topics create" in missing.value.problems[0]

    assert set(await create_topics(ours)) == set(ours.topics.all())
    assert await create_topics(ours) == []

    await check_topics(ours)
    assert (await config_of(kafka, ours.topics.resolved))["cleanup.policy"] == "compact"


async def test_another_number_of_partitions_is_refused(kafka: Broker, namespace: str) -> None:
    await create_topics(settings(kafka, namespace))
    more = settings(kafka, namespace, 3)

    for refused in (check_topics, create_topics):
        with pytest.raises(TopicsUnfit, match="has 2 partitions and must have 3"):
            await refused(more)
