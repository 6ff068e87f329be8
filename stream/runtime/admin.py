"""Topics on the broker: create what is missing, say what is not as it must be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from stream.runtime.refusals import TopicsUnfit, explained
from stream.runtime.security import kafka_options
from stream.settings import Settings

_TIMEOUT_MS = 15_000


async def create_topics(settings: Settings) -> list[str]:
    """Create the topics which do not exist and name them; raises :class:`TopicsUnfit`.

    Existing topics are left as they are, and must have the right number of partitions.
    """
    async with _admin(settings) as admin:
        found = await _partitions(admin)
        _refuse(_wrong(found, settings))
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


async def check_topics(settings: Settings) -> None:
    """Raises :class:`TopicsUnfit` unless every topic is there with its partitions."""
    async with _admin(settings) as admin:
        found = await _partitions(admin)
    missing = [name for name in settings.topics.all() if name not in found]
    unseen = ", or give this user the right to see it" if settings.kafka_uses_sasl else ""
    absent = [
        f"Topic {name} does not exist; run: shadowpoints topics create{unseen}" for name in missing
    ]
    _refuse(absent + _wrong(found, settings))


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


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    names = await admin.list_topics()
    described = await admin.describe_topics(names)
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _until_known(admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """The controller answers before every broker knows of the topics."""
    try:
        async with asyncio.timeout(_TIMEOUT_MS / 1000):
            # A broker has no event to wait for.
            while not set(names) <= (await _partitions(admin)).keys():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TopicsUnfit(["The topics were created, but the broker does not show them."]) from None


def _wrong(found: dict[str, int], settings: Settings) -> list[str]:
    return [
        f"Topic {name} has {found[name]} partitions and must have {settings.partitions}: their "
        "number is chosen once. Set SHADOWPOINTS_PARTITIONS to it, or use another topic prefix."
        for name in settings.topics.all()
        if found.get(name, settings.partitions) != settings.partitions
    ]


def _refuse(problems: list[str]) -> None:
    if problems:
        raise TopicsUnfit(problems)
