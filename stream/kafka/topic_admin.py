# SPDX-License-Identifier: Apache-2.0
"""Create missing topics on the broker, and check the existing ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, explained
from stream.kafka.topic_checks import Found, compare

_TIMEOUT_MS = 15_000


async def create_topics(settings: Settings) -> list[str]:
    """Create the missing topics; returns their names. Raises :class:`TopicsUnfit`.

    Existing topics are left as they are, and are refused as :func:`check_topics` does.
    """
    async with _admin(settings) as admin:
        found = await _found(admin, settings)
        _refuse(compare(found, settings).problems)
        missing = {
            name: config for name, config in settings.topics.all().items() if name not in found
        }
        if not missing:
            return []
        answer = await admin.create_topics(
            [
                NewTopic(
                    name, settings.partitions, settings.replication_factor, topic_configs=config
                )
                for name, config in missing.items()
            ],
            timeout_ms=_TIMEOUT_MS,
        )
        _refuse(
            [
                f"Topic {name} was not created: {for_code(code).__name__}, {text or 'no detail'}."
                for name, code, text in answer.topic_errors
                if code not in (0, TopicAlreadyExistsError.errno)
            ]
        )
        await _until_known(admin, missing)
        return list(missing)


async def check_topics(settings: Settings, names: Collection[str] | None = None) -> list[str]:
    """What should be altered about all topics, or these; raises :class:`TopicsUnfit`.

    It raises for what must be altered, and then names all there is to alter.
    """
    wanted = list(settings.topics.all() if names is None else names)
    async with _admin(settings) as admin:
        found = await _found(admin, settings)
    missing = [name for name in wanted if name not in found]
    unseen = ", or give this user the right to see it" if settings.kafka_uses_sasl else ""
    absent = [
        f"Topic {name} does not exist; run: shadowpoints topics create{unseen}" for name in missing
    ]
    findings = compare({name: found[name] for name in wanted if name in found}, settings)
    if problems := absent + findings.problems:
        raise TopicsUnfit(problems + findings.warnings)
    return findings.warnings


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        request_timeout_ms=_TIMEOUT_MS,
        **kafka_options(settings),
    )
    try:
        async with explained(settings, OSError):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def _found(admin: AIOKafkaAdminClient, settings: Settings) -> dict[str, Found]:
    """Those of our topics that exist."""
    described = await _described(admin)
    ours = [name for name in settings.topics.all() if name in described]
    configs = await _configs(admin, ours)
    return {
        name: Found(
            partitions=len(described[name]),
            replicas=min(len(partition["replicas"]) for partition in described[name]),
            config=configs.get(name),
        )
        for name in ours
    }


async def _described(admin: AIOKafkaAdminClient) -> Mapping[str, Collection[Any]]:
    names = await admin.list_topics()
    described = await admin.describe_topics(names)
    return {topic["topic"]: topic["partitions"] for topic in described}


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The configurations that may be described; some services forbid it."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answers = await admin.describe_configs(asked) if asked else []
    except KafkaError:
        return {}
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == 0
    }


async def _until_known(admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """The controller answers before every broker knows of the topics."""
    try:
        async with asyncio.timeout(_TIMEOUT_MS / 1000):
            # A broker has no event to wait for.
            while not set(names) <= (await _described(admin)).keys():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TopicsUnfit(["The topics were created, but the broker does not show them."]) from None


def _refuse(problems: list[str]) -> None:
    if problems:
        raise TopicsUnfit(problems)
