# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints changeopenid``: publish the new openids of an account that was migrated."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from schemas import binary_headers, encode_data
from schemas.topics import TOPIC_PRIVACY
from stream.brand.directory import load_apps
from stream.commands.common import escaped, fail, readable_errors
from stream.commands.publishing import publishing
from stream.config.settings import Settings, load_settings
from stream.engine.model.ids import origin_key
from stream.process.clock import wall_clock_ms
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Reply, Verdict, person_id, read_reply
from stream.resolver.app_secrets import read_app_secrets
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import CHANGE_OPENID, WeChatApi
from stream.tables import Record
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent
from stream.wechat.openid_changes import BATCH_MAX, NO_PAIR, Change, Unchanged, read_changes

_TRIES: Final = 5
_PAUSE_S: Final = 2.0  # after a failed try, times its number
_PRINTED_MAX: Final = 20

#: Replies in turn, each with openids and the numbers of their lines.
_Replies = AsyncIterator[tuple[Reply, dict[str, int]]]


class Stopped(Exception):
    """WeChat has stopped answering; the message has its verdict."""


@click.command()
@click.option("--from-appid", required=True, help="The former account.")
@click.option("--to-appid", required=True, help="The account that it was migrated to.")
@click.option(
    "--response",
    "saved",
    is_flag=True,
    help="FILE has saved replies of WeChat, one JSON object a line; no call is made.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def changeopenid(from_appid: str, to_appid: str, saved: bool, file: Path) -> None:
    """Publish the new openids of a migrated account's followers.

    FILE has former openids, one a line. WeChat is asked for the new ones; the former origin and the
    new one are then the same person. WeChat answers for 15 days after it approved the migration,
    and only for followers of the former account. Openids without a successor are printed by line;
    the exit code is then 1. Running it again is harmless.
    """
    with readable_errors():
        settings = load_settings()
        directory = load_apps(settings.apps)
        if unknown := [appid for appid in (from_appid, to_appid) if not directory.knows(appid)]:
            fail([f"{escaped(appid)} is not in the apps file." for appid in unknown])
        outcome = asyncio.run(_change(settings, from_appid, to_appid, file, saved))
    for message in outcome.messages[:_PRINTED_MAX]:
        click.echo(message, err=True)
    if len(outcome.messages) > _PRINTED_MAX:
        click.echo(f"... and {len(outcome.messages) - _PRINTED_MAX:,} more.", err=True)
    click.echo(f"published {outcome.published:,} changes of openids")
    if outcome.stopped:
        fail([outcome.stopped])
    if outcome.messages:
        sys.exit(1)


class _Outcome:
    """The results so far."""

    def __init__(self) -> None:
        self.published = 0
        self.messages: list[str] = []
        self.stopped = ""


async def _change(
    settings: Settings, from_appid: str, to_appid: str, file: Path, saved: bool
) -> _Outcome:
    outcome, topic = _Outcome(), settings.topics.prefix + TOPIC_PRIVACY
    async with publishing(settings, topic) as publish:
        source = f"urn:shadowpoints:{settings.namespace}:operator"
        try:
            async with _replies(settings, from_appid, to_appid, file, saved) as replies:
                async for reply, lines in replies:
                    changes = read_changes(reply.body, from_appid, to_appid, datetime.now(UTC))
                    events = [change.event for change in changes if change.event is not None]
                    await publish([_record(topic, source, event) for event in events])
                    outcome.published += len(events)
                    outcome.messages += _unchanged(changes, lines)
        except Stopped as stopped:
            outcome.stopped = str(stopped)
        except DeliveryRejected as problem:
            outcome.stopped = problem.message
    return outcome


def _record(topic: str, source: str, event: OutboundEvent) -> Record:
    data: Any = event.data
    headers = binary_headers(event.type, event.id, source, event.time)
    return Record(topic, origin_key(*data.origin).encode(), encode_data(data), tuple(headers))


def _unchanged(changes: Sequence[Change], lines: dict[str, int]) -> list[str]:
    """Openids without a successor, by line or as a count; and lines without an answer."""
    messages = []
    without_line: Counter[Unchanged] = Counter()
    for change in changes:
        if change.unchanged is None:
            continue
        if change.former in lines:
            messages.append(f"line {lines[change.former]}: {change.unchanged}")
        else:
            without_line[change.unchanged] += 1
    messages += [f"{number:,} {unchanged}" for unchanged, number in without_line.items()]
    answered = {change.former for change in changes}
    unanswered = sorted(line for openid, line in lines.items() if openid not in answered)
    return messages + [f"line {line}: no answer" for line in unanswered]


@asynccontextmanager
async def _replies(
    settings: Settings, from_appid: str, to_appid: str, file: Path, saved: bool
) -> AsyncIterator[_Replies]:
    if saved:
        yield _saved(file)
        return
    apps = read_app_secrets(settings.apps, os.environ)
    if to_appid not in apps.secrets:
        raise Stopped(f"{to_appid} has no secret_env in the apps file, so WeChat cannot be asked.")
    shared = SharedState(settings)
    try:
        async with WeChatApi(settings.wechat_api_url) as api:
            tokens = AccessTokens(api, shared, apps.secrets, wall_clock_ms)
            caller = ApiCaller(api, tokens, shared, ResolverMetrics(), wall_clock_ms)
            yield _called(caller, from_appid, to_appid, file)
    finally:
        await shared.close()


async def _saved(file: Path) -> _Replies:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                reply = read_reply(200, line)
                _check(reply, f"Line {number} of the file")
                yield reply, {}


async def _called(caller: ApiCaller, from_appid: str, to_appid: str, file: Path) -> _Replies:
    with click.progressbar(
        list(_batches(file)), label="looking up", file=sys.stderr, show_eta=False
    ) as batches:
        for lines in batches:
            body = {"from_appid": from_appid, "openid_list": list(lines)}
            yield await _call_with_retries(caller, to_appid, body), lines


def _batches(file: Path) -> Iterator[dict[str, int]]:
    """At most a hundred openids with the numbers of their lines."""
    batch: dict[str, int] = {}
    for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), 1):
        if not line.strip():
            continue
        openid = person_id(line)
        if openid is None:
            click.echo(f"line {number}: no openid", err=True)
            continue
        batch[openid] = number
        if len(batch) == BATCH_MAX:
            yield batch
            batch = {}
    if batch:
        yield batch


async def _call_with_retries(caller: ApiCaller, to_appid: str, body: dict[str, Any]) -> Reply:
    for number in range(1, _TRIES + 1):
        reply, _ = await caller.call(to_appid, "changeopenid", CHANGE_OPENID, {}, body)
        if reply.verdict not in (Verdict.TRANSIENT, Verdict.TOKEN, Verdict.SLOWER):
            break
        await asyncio.sleep(_PAUSE_S * number)
    _check(reply, "WeChat")
    return reply


def _check(reply: Reply, who: str) -> None:
    if reply.verdict is Verdict.OK:
        return
    if reply.code == NO_PAIR:
        raise Stopped(f"{who} says that these accounts are not of one migration ({NO_PAIR}).")
    raise Stopped(f"{who} returned no result: {reply.verdict}, code {reply.code}.")
