# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.config.settings import Settings, load_settings
from stream.kafka.connection_errors import TopicsUnfit
from stream.kafka.topic_admin import check_topics, create_topics
from tests.services.kafka import KafkaServer

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


@asynccontextmanager
async def admin_of(kafka: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def config_of(kafka: Broker, topic: str) -> dict[str, str]:
    async with admin_of(kafka) as admin:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
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
        with pytest.raises(TopicsUnfit) as unfit:
            await refused(more)
        assert len(unfit.value.problems) == len(more.topics.written)
        for problem, name in zip(unfit.value.problems, more.topics.written, strict=True):
            assert problem.startswith(f"Topic {name} has 2 partitions and must have 3")


def commands_of(sentences: list[str]) -> dict[str, list[str]]:
    """By topic, the command which its sentence tells to run; nothing else does it name."""
    found = [shlex.split(text.partition(" Run: ")[2]) for text in sentences if " Run: " in text]
    return {command[command.index("--entity-name") + 1]: command for command in found}


async def alter(kafka: Broker, configs: Mapping[str, Mapping[str, str]]) -> None:
    async with admin_of(kafka) as admin:
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, name, dict(config))
                for name, config in configs.items()
            ]
        )


async def until(kafka: Broker, topic: str, key: str, value: str) -> None:
    """The controller answers before the broker knows of another configuration."""
    async with asyncio.timeout(60):
        while (await config_of(kafka, topic)).get(key) != value:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_topics_made_by_hand_are_refused_until_the_commands_were_run(
    kafka_server: KafkaServer, namespace: str
) -> None:
    """As a console makes them: they delete after three days and take 1 MiB."""
    ours = settings(kafka_server, namespace)
    by_hand = {"cleanup.policy": "delete", "retention.ms": str(3 * 86_400_000)}
    async with admin_of(kafka_server) as admin:
        topics = [NewTopic(name, 2, 1, topic_configs=by_hand) for name in ours.topics.all()]
        await admin.create_topics(topics)
    for name in ours.topics.all():
        await until(kafka_server, name, "cleanup.policy", "delete")

    for refused in (create_topics, check_topics):
        with pytest.raises(TopicsUnfit) as unfit:
            await refused(ours)
        said = "\n".join(unfit.value.problems)
        assert f"Topic {ours.topics.resolved} has " in said
        assert "which deletes the log that all state is made of" in said
    commands = commands_of(unfit.value.problems)
    assert commands.keys() == ours.topics.all().keys()

    tool, *arguments = commands.pop(ours.topics.resolved)
    assert tool == "kafka-configs.sh"
    done = await asyncio.to_thread(kafka_server.java, "kafka.admin.ConfigCommand", *arguments)
    assert "Completed updating config" in done.stdout
    # The same for the others, without a Java machine for each.
    await alter(kafka_server, {name: added(command[-1]) for name, command in commands.items()})
    await until(kafka_server, ours.topics.dead_letters, "cleanup.policy", "compact,delete")
    assert await check_topics(ours) == []


def added(pairs: str) -> dict[str, str]:
    """What ``--add-config`` says."""
    found = re.findall(r"([a-z.]+)=(?:\[([^]]*)\]|([^,]*))", pairs)
    return {key: listed or value for key, listed, value in found}


async def test_what_does_no_harm_is_a_warning(kafka: Broker, namespace: str) -> None:
    ours = settings(kafka, namespace)
    await create_topics(ours)
    twice = ours.model_copy(update={"replication_factor": 2})
    pay = ours.topics.sources[0]
    await alter(kafka, {pay: {"message.timestamp.type": "CreateTime"}})
    await until(kafka, pay, "message.timestamp.type", "CreateTime")
    first, *rest = await check_topics(twice)
    assert first.startswith(f"Topic {pay} has message.timestamp.type=CreateTime: the producer's")
    assert commands_of([first])[pay][-1] == "message.timestamp.type=LogAppendTime"
    own = {*ours.topics.hints, *ours.topics.written, ours.topics.rules}
    assert {text.split()[1] for text in rest} == own
    assert all("has 1 copies of a partition and should have 2" in text for text in rest)
