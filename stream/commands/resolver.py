# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints resolver``: look up Union IDs with WeChat, until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import click

from stream.brand.directory import load_apps
from stream.commands.common import (
    compare_topics,
    fail,
    readable_errors,
    require_shared_store,
    run_until_signal,
)
from stream.config.client_security import hash_secret
from stream.config.settings import PREFIX, Settings, load_settings
from stream.kafka.connection_errors import explained
from stream.kafka.publisher import publisher_of
from stream.kafka.topic_reader import require_topics
from stream.lookup.open_tables import tables_of
from stream.process.clock import wall_clock_ms
from stream.process.health_server import serving
from stream.process.logs import quiet_clients, start_logging
from stream.process.readiness import unreachable
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.answers import Answers
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import person_id
from stream.resolver.app_secrets import AppSecrets, read_app_secrets
from stream.resolver.backfill import Backfill, PageMissing, followers
from stream.resolver.bind_status import BindStatuses
from stream.resolver.lookup_loop import LookupTools
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.service import Resolver
from stream.resolver.shared_state import SharedState
from stream.resolver.source_reader import TOPICS
from stream.resolver.wechat_api import WeChatApi

_END_S: Final = 12.0  # for calls under way at SIGTERM


@click.group(invoke_without_command=True)
@click.pass_context
def resolver(context: click.Context) -> None:
    """Look up the Union IDs of payers and followers, and the orders of shops, with WeChat.

    It reads wechat.pay, wechat.official-account and wechat.shop until SIGTERM, and publishes
    unionid.resolved.v1, shop_order.paid.v1 and shop_order.refunded.v1. It looks up those of the
    apps that have a secret_env in the apps file. Several may run.
    """
    if context.invoked_subcommand is not None:
        return
    with readable_errors():
        settings = load_settings()
        apps = read_app_secrets(settings.apps, os.environ)
        require_shared_store(settings)
        if not apps.secrets:
            fail([f"No app in {PREFIX}APPS has a secret_env, so WeChat cannot be asked for any."])
        start_logging(settings.log_level)
        asyncio.run(_serve(settings, apps))


async def _serve(settings: Settings, apps: AppSecrets) -> None:
    topics = [settings.topics.prefix + topic for topic in TOPICS]
    await compare_topics(settings, topics)
    await require_topics(settings, topics)
    async with lookup_tools(settings, apps) as tools:
        await run_until_signal(
            Resolver(settings, tools, apps.kinds),
            _END_S,
            "Ended before all that was on its way came back; it will be asked again",
        )


@asynccontextmanager
async def lookup_tools(settings: Settings, apps: AppSecrets) -> AsyncIterator[LookupTools]:
    """Open the services that lookups need; raises ``TopicsUnfit``."""
    metrics, tables, shared = ResolverMetrics(), tables_of(settings), SharedState(settings)
    publisher = publisher_of(settings)
    api = WeChatApi(settings.wechat_api_url, at_once=settings.resolver_calls_at_once)
    async with explained(settings):
        try:
            await tables.open()
            async with (
                publisher,
                api,
                serving(
                    settings.web_port,
                    lambda: unreachable(tables, publisher),
                    metrics,
                    settings.web_host,
                ),
            ):
                tokens = AccessTokens(api, shared, apps.secrets, wall_clock_ms)
                caller = ApiCaller(api, tokens, shared, metrics, wall_clock_ms)
                directory, secret = load_apps(settings.apps), hash_secret(settings)
                partitions = settings.partitions
                statuses = BindStatuses(tables, directory, partitions, secret, wall_clock_ms)
                yield LookupTools(
                    planner_of(settings),
                    caller,
                    Answers(settings, caller, statuses, directory, wall_clock_ms),
                    shared,
                    statuses,
                    publisher.publish,
                    metrics,
                    wall_clock_ms,
                )
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # parallel failures have the same cause
        finally:
            await shared.close()
            await tables.close()


def planner_of(settings: Settings) -> Planner:
    """A planner with the limits of the settings."""
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
    help="Look up the openids in this file, one a line, instead of all followers.",
)
def backfill(appid: str, file: Path | None) -> None:
    """Look up all followers of the Official Account APPID.

    Also those without a follow event, a hundred in a call. Followers that are bound already need no
    call, so an interrupted back-fill, or one that used up the day's quota, is simply repeated.
    """
    with readable_errors():
        settings = load_settings()
        apps = read_app_secrets(settings.apps, os.environ)
        if apps.kinds.get(appid) != "official_account":
            fail([f"The apps file must have {appid} as an official_account with a secret_env."])
        quiet_clients(settings.log_level)
        # No web server: the port is the service's, and this command prints its counts.
        problem = asyncio.run(
            _backfill(settings.model_copy(update={"web_port": 0}), apps, appid, file)
        )
    if problem:
        fail([problem])


async def _backfill(settings: Settings, apps: AppSecrets, appid: str, file: Path | None) -> str:
    """Why the back-fill is incomplete, in a sentence; "" if it is complete."""
    async with lookup_tools(settings, apps) as tools:
        with ExitStack() as stack:
            bar = stack.enter_context(
                click.progressbar(length=0, label="looking up", file=sys.stderr, show_eta=False)
            )

            def more(openids: int) -> None:
                bar.length = (bar.length or 0) + openids

            work = Backfill(settings, tools, appid, bar.update)
            problem = ""
            try:
                if file is not None:
                    openids = openids_in(file)
                    more(len(openids))
                    await work.look_up(openids)
                else:
                    async for page in followers(tools.caller, appid):
                        more(len(page))
                        await work.look_up(page)
                        if work.refused:
                            break
            except PageMissing as missing:
                problem = str(missing)
        click.echo(
            ", ".join(f"{number:,} {word}" for word, number in sorted(work.outcomes.items()))
        )
    if work.refused is not None:
        return f"WeChat has stopped answering ({work.refused}); run this again when it answers."
    return problem


def openids_in(file: Path) -> list[str]:
    """One a line; lines that cannot be openids are counted and left out."""
    lines = [line for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
    found = [openid for openid in map(person_id, lines) if openid is not None]
    if len(found) < len(lines):
        click.echo(f"{len(lines) - len(found):,} lines are not openids.", err=True)
    return found
