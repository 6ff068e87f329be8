"""``shadowpoints resolver``: asks WeChat for Union IDs, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import click

from stream.commands.common import fail, sentences
from stream.resolver.api import WeChatApi
from stream.resolver.apps import Askable, askable
from stream.resolver.asking import Asker
from stream.resolver.backfill import Backfill, PageMissing, followers
from stream.resolver.desk import Tools
from stream.resolver.intake import TOPICS
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.replies import person_id
from stream.resolver.service import Resolver
from stream.resolver.shared import Shared
from stream.resolver.standing import Standings
from stream.resolver.tokens import TokenKeeper
from stream.rules.apps import load_apps
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.logs import quiet_clients, start_logging
from stream.runtime.pages import serving
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
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
        start_logging(settings.log_level)
        asyncio.run(_until_told(settings, apps))


async def _until_told(settings: Settings, apps: Askable) -> None:
    topics = [settings.topics.prefix + topic for topic in TOPICS]
    async with TopicReader(settings, topics):
        pass  # says so now if a topic is missing, or a right
    async with working(settings, apps) as tools:
        await _run(Resolver(settings, tools, apps.kinds))


@asynccontextmanager
async def working(settings: Settings, apps: Askable) -> AsyncIterator[Tools]:
    """All that questions are asked with; raises ``TopicsUnfit`` for what Kafka refuses."""
    metrics, tables, shared = ResolverMetrics(), tables_of(settings), Shared(settings)
    publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
    api = WeChatApi(settings.wechat_api_url, at_once=settings.resolver_calls_at_once)
    async with explained(settings):
        try:
            await tables.open()
            async with (
                publisher,
                api,
                serving(settings.web_port, lambda: unreachable(tables, publisher), metrics),
            ):
                tokens = TokenKeeper(api, shared, apps.secrets, wall_clock_ms)
                yield Tools(
                    planner_of(settings),
                    Asker(api, tokens, shared, metrics, wall_clock_ms),
                    Standings(
                        tables,
                        load_apps(settings.apps),
                        settings.partitions,
                        hash_secret(settings),
                        wall_clock_ms,
                    ),
                    publisher.publish,
                    metrics,
                    wall_clock_ms,
                )
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # what failed in parallel, failed for one reason
        finally:
            await shared.close()
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


@resolver.command()
@click.argument("appid")
@click.option(
    "--openids",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask for the openids in this file, one a line, instead of all followers.",
)
def backfill(appid: str, file: Path | None) -> None:
    """Ask for the followers of the Official Account APPID, a hundred at a time.

    For those whose follow nobody heard of. Who is bound already costs no call, so a back-fill which
    broke off, or came to the end of the day's quota, is simply repeated.
    """
    with sentences():
        settings = load_settings()
        apps = askable(settings.apps, os.environ)
        if apps.kinds.get(appid) != "official_account":
            fail([f"The apps file must have {appid} as an official_account with a secret_env."])
        quiet_clients(settings.log_level)
        # Its metrics are what it prints; the port is the service's.
        told = asyncio.run(
            _backfill(settings.model_copy(update={"web_port": 0}), apps, appid, file)
        )
    if told:
        fail([told])


async def _backfill(settings: Settings, apps: Askable, appid: str, file: Path | None) -> str:
    """What was not possible, in a sentence; "" if all was asked."""
    async with working(settings, apps) as tools:
        with ExitStack() as stack:
            bar = stack.enter_context(
                click.progressbar(length=0, label="asking", file=sys.stderr, show_eta=False)
            )

            def more(openids: int) -> None:
                bar.length = (bar.length or 0) + openids

            work = Backfill(settings, tools, appid, bar.update)
            problem = ""
            try:
                if file is not None:
                    openids = openids_in(file)
                    more(len(openids))
                    await work.ask(openids)
                else:
                    async for page in followers(tools.asker, appid):
                        more(len(page))
                        await work.ask(page)
                        if work.refused:
                            break
            except PageMissing as missing:
                problem = str(missing)
        click.echo(
            ", ".join(f"{number:,} {word}" for word, number in sorted(work.outcomes.items()))
        )
    if work.refused is not None:
        return f"WeChat answers no more ({work.refused}); repeat this when it does."
    return problem


def openids_in(file: Path) -> list[str]:
    """One a line; lines which cannot be openids are counted and left out."""
    lines = [line for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
    found = [openid for openid in map(person_id, lines) if openid is not None]
    if len(found) < len(lines):
        click.echo(f"{len(lines) - len(found):,} lines are no openids.", err=True)
    return found
