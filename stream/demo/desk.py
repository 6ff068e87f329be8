# SPDX-License-Identifier: Apache-2.0
"""Keep the demo's day up: one person's story, and the operator's desk over it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from stream.config.settings import Settings
from stream.demo.view import View
from stream.desk.person import Line, timeline
from stream.desk.server import desk_server
from stream.desk.sources import Sources
from stream.engine.model.calendar import shanghai
from stream.engine.model.decision import Channel
from stream.engine.model.directory import Directory
from stream.engine.model.state import Account
from stream.kafka.topic_reader import TopicReader
from stream.lookup.consumer_explanation import explanation
from stream.lookup.entity_reader import readable
from stream.process.clock import wall_clock_ms
from stream.report.files import documents, write_all
from stream.report.snapshot import Run, Snapshot
from stream.report.tables import tables_of
from stream.tables import Tables

DESK_PORT: Final = 8090
DESK_URL: Final = f"http://127.0.0.1:{DESK_PORT}/"
_LINES_MAX: Final = 40


async def keep(settings: Settings, tables: Tables, directory: Directory, view: View) -> None:
    """Tell the story and serve the desk, until SIGINT or SIGTERM."""
    token, second = secrets.token_hex(16), secrets.token_hex(16)
    with TemporaryDirectory() as made:
        await _report(settings, tables, Path(made))
        sources = Sources(settings, tables, directory, Path(made) / "report.json")
        for line in await _story(sources):
            view.say(line)
        server = desk_server(sources, token, second, DESK_PORT)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        logging.getLogger("stream.desk").setLevel(logging.INFO)
        view.say(f"\ntoken     {token}   to replay dead letters: {second}")
        view.say(f"desk      {server.address} until Ctrl-C")
        await server.run()


async def _report(settings: Settings, tables: Tables, directory: Path) -> None:
    names, now_ms = settings.topics, wall_clock_ms()
    ledger, offers = names.channel(Channel.LEDGER), names.channel(Channel.OFFERS)
    run = Run(now_ms, settings.namespace, settings.partitions, ledger, offers)
    (unfinished := directory / "unfinished").mkdir()
    async with TopicReader(settings, [ledger, offers]) as log:
        counts = await Snapshot(run, tables, log, unfinished).counts(_quietly)
    write_all(directory, documents(tables_of(counts), shanghai(now_ms)))


def _quietly(name: str, number: int, of: int) -> None:
    """Progress that nobody waits for."""


async def _story(sources: Sources) -> list[str]:
    """The person with the most to tell: who they are at the desk, then every line."""
    best, most = "", (0, 0, 0)
    for partition in range(sources.settings.partitions):
        for key, entity in readable(await sources.tables.entities(partition)).items():
            if isinstance(entity, Account) and (richness := _richness(entity)) > most:
                best, most = key, richness
    known = await explanation(sources.tables, sources.settings.partitions, best, sources.clock_ms())
    if known is None:
        return []
    lines = await timeline(sources, known, whole=True)
    return ["", f"story     {best}", *map(_told, lines[-_LINES_MAX:])]


def _richness(account: Account) -> tuple[int, int, int]:
    """Offers taken, then origins, then touches; at most as many lines as a story has."""
    facts = account.facts_by_origin.values()
    touches = sum(len(one.touches) for one in facts)
    if touches > _LINES_MAX // 2:
        return 0, 0, 0
    return int(bool(account.posted.paid) and bool(account.offers)), len(facts), touches


def _told(line: Line) -> str:
    rule = f"{line.rule}@{line.version}" if line.rule else ""
    parts = (line.time[:19].replace("T", " "), str(line.what), str(line.effect), rule)
    return "          " + "  ".join(filter(None, parts))
