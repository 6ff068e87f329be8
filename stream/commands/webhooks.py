# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints webhooks``: deliver events to a receiver by HTTP, until SIGTERM."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click

from stream.commands.common import compare_topics, fail, readable_errors, run_until_signal
from stream.commands.dlq import ReplayOptions, replay_letters, replaying
from stream.config.client_security import webhook_secrets, webhook_tls
from stream.config.settings import PREFIX, Settings, load_settings
from stream.kafka.connection_errors import explained
from stream.kafka.publisher import Publisher, publisher_of
from stream.kafka.topic_reader import require_topics
from stream.process.clock import wall_clock_ms
from stream.process.health_server import serving
from stream.process.logs import start_logging
from stream.process.readiness import in_time
from stream.webhooks.metrics import WebhookMetrics
from stream.webhooks.replay import Receiver
from stream.webhooks.sender import Sender
from stream.webhooks.service import Tools, WebhookService


@click.group(invoke_without_command=True)
@click.pass_context
def webhooks(context: click.Context) -> None:
    """Deliver offers and payouts to a receiver by signed HTTP requests.

    It reads shadow.offers until SIGTERM. Several may run.
    """
    if context.invoked_subcommand is not None:
        return
    with readable_errors():
        settings = load_settings()
        sender = sender_of(settings)
        start_logging(settings.log_level)
        asyncio.run(_serve(settings, sender))


@webhooks.command()
@replaying
def replay(settings: Settings, options: ReplayOptions) -> None:
    """Deliver dead letters of webhooks again, each once.

    One attempt each; what is not taken stays a dead letter. Events of one consumer go in order.
    """
    asyncio.run(_replay(settings, sender_of(settings), options))


def sender_of(settings: Settings) -> Sender:
    """The sender of a deployment; raises ``SettingsInvalid``."""
    if settings.webhook_url is None or settings.webhook_secret_file is None:
        fail([f"Set {PREFIX}WEBHOOK_URL and {PREFIX}WEBHOOK_SECRET_FILE: docs/webhooks.md."])
    return Sender(
        settings.webhook_url.get_secret_value(),
        webhook_secrets(settings),
        wall_clock_ms,
        timeout_s=settings.webhook_timeout_s,
        at_once=settings.webhook_requests_max,
        tls=webhook_tls(settings),
    )


async def _replay(settings: Settings, sender: Sender, options: ReplayOptions) -> None:
    async with sender:
        receiver = Receiver(settings.topics.webhooks, sender.send, settings.webhook_requests_max)
        await replay_letters(settings, options, receiver, publisher_of(settings))


async def _serve(settings: Settings, sender: Sender) -> None:
    topics = settings.topics.webhooks
    await compare_topics(settings, [*topics, settings.topics.dead_letters])
    await require_topics(settings, topics)
    async with _service(settings, sender) as service:
        await run_until_signal(
            service,
            settings.webhook_timeout_s + 1,
            "Ended before all replies came; those events are delivered again",
        )


@asynccontextmanager
async def _service(settings: Settings, sender: Sender) -> AsyncIterator[WebhookService]:
    metrics, publisher = WebhookMetrics(), publisher_of(settings)
    async with explained(settings):
        try:
            async with publisher, sender:
                tools = Tools(sender.send, publisher.publish, metrics, wall_clock_ms, random.random)
                service = WebhookService(settings, tools)
                ready = partial(_ready, publisher, service)
                async with serving(settings.web_port, ready, metrics, settings.web_host):
                    yield service
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # parallel failures have the same cause


async def _ready(publisher: Publisher, service: WebhookService) -> list[str]:
    kafka = await in_time(publisher.ready())
    return [*([f"Kafka {kafka}"] if kafka else []), *service.trouble()]
