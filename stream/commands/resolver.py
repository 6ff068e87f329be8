"""``shadowpoints resolver``: asks WeChat for Union IDs, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import click
from aiokafka.errors import KafkaError

from stream.commands.common import fail, sentences
from stream.resolver.api import WeChatApi
from stream.resolver.apps import Askable, askable
from stream.resolver.asking import Asker
from stream.resolver.intake import TOPICS
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.service import Resolver, Tools
from stream.resolver.shared import Shared
from stream.resolver.standing import Standings
from stream.resolver.tokens import TokenKeeper
from stream.runtime.admin import TopicsUnfit
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.logs import quiet_clients
from stream.runtime.pages import serving
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import why_unusable
from stream.runtime.security import hash_secret, kafka_options
from stream.runtime.state import tables_of
from stream.runtime.topic_reader import TopicReader
from stream.runtime.web import unreachable
from stream.settings import PREFIX, Settings, load_settings

_END_S: Final = 12.0  # for what is on its way when the process is told to end

_log = logging.getLogger(__name__)


@click.group(invoke_without_command=True)
@click.pass_context
def resolver(context: click.Context) -> None:
    """Ask WeChat whose Union ID a payer or follower has, until SIGTERM.

    Reads wechat.pay and wechat.official-account, and publishes unionid.resolved.v1. Apps are asked
    for which have a secret_env in the apps file. Several may run.
    """
    if context.invoked_subcommand is not None:
        return
    with sentences():
        settings = load_settings()
        apps = askable(settings.apps, os.environ)
        if settings.redis_url == "memory://":
            fail(["The resolver asks the tables who is known; memory:// is a worker's own."])
        if not apps.secrets:
            fail([f"No app in {PREFIX}APPS has a secret_env, so WeChat cannot be asked for any."])
        log(settings)
        asyncio.run(_until_told(settings, apps))


def log(settings: Settings) -> None:
    """Say on stderr what happens."""
    quiet_clients(settings.log_level)
    logging.basicConfig(
        level=settings.log_level,
        format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
    )


async def _until_told(settings: Settings, apps: Askable) -> None:
    metrics, tables = ResolverMetrics(), tables_of(settings)
    publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
    prefix = settings.topics.prefix
    try:
        async with TopicReader(settings, [prefix + topic for topic in TOPICS]):
            pass  # says so now if a topic is missing, or a right
        await tables.open()
        async with (
            publisher,
            asking(settings, apps, metrics) as asker,
            serving(settings.web_port, lambda: unreachable(tables, publisher), metrics),
        ):
            tools = Tools(
                planner_of(settings),
                asker,
                Standings(tables, settings.partitions, hash_secret(settings)),
                publisher.publish,
                metrics,
                apps.kinds,
                wall_clock_ms,
            )
            await _run(Resolver(settings, tools))
    except KafkaError as error:
        raise TopicsUnfit([await why_unusable(settings, error)]) from None
    except ExceptionGroup as group:  # what failed in parallel, failed for one reason
        if not isinstance(first := group.exceptions[0], KafkaError):
            raise first from None
        raise TopicsUnfit([await why_unusable(settings, first)]) from None
    finally:
        await tables.close()


async def _run(service: Resolver) -> None:
    """SIGTERM and SIGINT end it, after what is on its way, and for sure after some seconds."""
    work = asyncio.create_task(service.run())
    loop = asyncio.get_running_loop()

    def end() -> None:
        service.stop()
        loop.call_later(_END_S, work.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        await work
    except asyncio.CancelledError:
        _log.warning("Ended before all that was on its way came back; it will be asked again")


def planner_of(settings: Settings) -> Planner:
    """As the settings limit it."""
    return Planner(
        waiting_max=settings.resolver_waiting_max,
        calls_per_s=settings.resolver_calls_per_s,
        daily_calls_max=settings.resolver_daily_calls_max,
    )


@asynccontextmanager
async def asking(
    settings: Settings, apps: Askable, metrics: ResolverMetrics
) -> AsyncIterator[Asker]:
    """What asks WeChat, with tokens shared by all processes of the deployment."""
    shared = Shared(settings)
    try:
        async with WeChatApi(
            settings.wechat_api_url, at_once=settings.resolver_calls_at_once
        ) as api:
            tokens = TokenKeeper(api, shared, apps.secrets, wall_clock_ms)
            yield Asker(api, tokens, shared, metrics, wall_clock_ms)
    finally:
        await shared.close()
