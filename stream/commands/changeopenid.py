"""``shadowpoints changeopenid``: what became of the openids of an account which has migrated."""

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
from schemas.registry import TOPIC_PRIVACY
from stream.commands.common import escaped, fail, sentences
from stream.commands.publishing import publishing
from stream.engine.ids import origin_key
from stream.resolver.api import CHANGE_OPENID, WeChatApi
from stream.resolver.apps import askable
from stream.resolver.asking import Asker
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.replies import Reply, Verdict, person_id, read_reply
from stream.resolver.shared import Shared
from stream.resolver.tokens import TokenKeeper
from stream.rules.apps import load_apps
from stream.runtime.housekeeping import wall_clock_ms
from stream.settings import Settings, load_settings
from stream.tables import Record
from stream.wechat.changes import BATCH_MAX, NO_PAIR, Change, Unchanged, read_changes
from stream.wechat.heard import NotHeard, Outgoing

_TRIES: Final = 5
_PAUSE_S: Final = 2.0  # between them, times the number of the try
_SAID_MAX: Final = 20

#: Answers in turn, with the numbers of the lines which were asked about.
_Answers = AsyncIterator[tuple[Reply, dict[str, int]]]


class Stopped(Exception):
    """WeChat answers no more; the message says what it said."""


@click.command()
@click.option("--from-appid", required=True, help="The account which was moved away from.")
@click.option("--to-appid", required=True, help="The account which it became.")
@click.option(
    "--response",
    "saved",
    is_flag=True,
    help="FILE holds saved answers of WeChat, one JSON object a line; nobody is asked.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def changeopenid(from_appid: str, to_appid: str, saved: bool, file: Path) -> None:
    """Ask WeChat for the new openids of those in FILE, one a line, and publish each change.

    The former origin and the new one are then one person. WeChat answers for 15 days after it
    approved the migration, for followers of the former account alone. Openids without a successor
    are told by line; the exit code is then 1. To repeat it is harmless.
    """
    with sentences():
        settings = load_settings()
        directory = load_apps(settings.apps)
        if unknown := [appid for appid in (from_appid, to_appid) if not directory.knows(appid)]:
            fail([f"{escaped(appid)} is not in the apps file." for appid in unknown])
        outcome = asyncio.run(_change(settings, from_appid, to_appid, file, saved))
    for said in outcome.said[:_SAID_MAX]:
        click.echo(said, err=True)
    if len(outcome.said) > _SAID_MAX:
        click.echo(f"... and {len(outcome.said) - _SAID_MAX:,} more.", err=True)
    click.echo(f"published {outcome.published:,} changes of openids")
    if outcome.stopped:
        fail([outcome.stopped])
    if outcome.said:
        sys.exit(1)


class _Outcome:
    """What has been done so far."""

    def __init__(self) -> None:
        self.published = 0
        self.said: list[str] = []
        self.stopped = ""


async def _change(
    settings: Settings, from_appid: str, to_appid: str, file: Path, saved: bool
) -> _Outcome:
    outcome, topic = _Outcome(), settings.topics.prefix + TOPIC_PRIVACY
    async with publishing(settings, topic) as publish:
        source = f"urn:shadowpoints:{settings.namespace}:operator"
        try:
            async with _answers(settings, from_appid, to_appid, file, saved) as answers:
                async for reply, lines in answers:
                    changes = read_changes(reply.body, from_appid, to_appid, datetime.now(UTC))
                    events = [change.event for change in changes if change.event is not None]
                    await publish([_record(topic, source, event) for event in events])
                    outcome.published += len(events)
                    outcome.said += _unchanged(changes, lines)
        except Stopped as stopped:
            outcome.stopped = str(stopped)
        except NotHeard as problem:
            outcome.stopped = problem.message
    return outcome


def _record(topic: str, source: str, event: Outgoing) -> Record:
    data: Any = event.data
    headers = binary_headers(event.type, event.id, source, event.time)
    return Record(topic, origin_key(*data.origin).encode(), encode_data(data), tuple(headers))


def _unchanged(changes: Sequence[Change], lines: dict[str, int]) -> list[str]:
    """What has no successor, by line, or counted where no line is known; and what got no answer."""
    said = []
    nowhere: Counter[Unchanged] = Counter()
    for change in changes:
        if change.unchanged is None:
            continue
        if change.former in lines:
            said.append(f"line {lines[change.former]}: {change.unchanged}")
        else:
            nowhere[change.unchanged] += 1
    said += [f"{number:,} {unchanged}" for unchanged, number in nowhere.items()]
    answered = {change.former for change in changes}
    unanswered = sorted(line for openid, line in lines.items() if openid not in answered)
    return said + [f"line {line}: no answer" for line in unanswered]


@asynccontextmanager
async def _answers(
    settings: Settings, from_appid: str, to_appid: str, file: Path, saved: bool
) -> AsyncIterator[_Answers]:
    if saved:
        yield _saved(file)
        return
    apps = askable(settings.apps, os.environ)
    if to_appid not in apps.secrets:
        raise Stopped(f"{to_appid} has no secret_env in the apps file, so WeChat cannot be asked.")
    shared = Shared(settings)
    try:
        async with WeChatApi(settings.wechat_api_url) as api:
            tokens = TokenKeeper(api, shared, apps.secrets, wall_clock_ms)
            asker = Asker(api, tokens, shared, ResolverMetrics(), wall_clock_ms)
            yield _asked(asker, from_appid, to_appid, file)
    finally:
        await shared.close()


async def _saved(file: Path) -> _Answers:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                reply = read_reply(200, line)
                _check(reply, f"Line {number} of the file")
                yield reply, {}


async def _asked(asker: Asker, from_appid: str, to_appid: str, file: Path) -> _Answers:
    with click.progressbar(
        list(_batches(file)), label="asking", file=sys.stderr, show_eta=False
    ) as batches:
        for lines in batches:
            body = {"from_appid": from_appid, "openid_list": list(lines)}
            yield await _insist(asker, to_appid, body), lines


def _batches(file: Path) -> Iterator[dict[str, int]]:
    """At most a hundred openids with the lines they stand on."""
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


async def _insist(asker: Asker, to_appid: str, body: dict[str, Any]) -> Reply:
    for number in range(1, _TRIES + 1):
        reply, _ = await asker.call(to_appid, "changeopenid", CHANGE_OPENID, {}, body)
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
    raise Stopped(f"{who} has no answer: {reply.verdict}, code {reply.code}.")
