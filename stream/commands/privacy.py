"""``shadowpoints privacy``: answers people's requests as they come, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from typing import Final

import click

from schemas.registry import TOPIC_PRIVACY
from stream.commands.common import fail, sentences
from stream.engine.directory import Directory
from stream.engine.ruleset import RuleBook
from stream.rules.apps import load_apps
from stream.runtime.answering import Answers, Mailroom
from stream.runtime.identified import Identified
from stream.runtime.inbox import Inbox
from stream.runtime.logs import start_logging
from stream.runtime.metrics import Metrics
from stream.runtime.pages import serving
from stream.runtime.privacy import PrivacyDesk, Work
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import explained
from stream.runtime.rulebook import rules_of
from stream.runtime.security import kafka_options
from stream.runtime.settling import Workers
from stream.runtime.state import tables_of
from stream.runtime.sweep import sweep
from stream.runtime.topic_reader import TopicReader
from stream.runtime.web import unreachable
from stream.settings import Settings, load_settings
from stream.tables import Tables

PATIENCE_S: Final = 600.0  # how long the workers may take to come to a request

_log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--sweep-every",
    type=click.IntRange(0, 86_400),
    default=3_600,
    show_default=True,
    metavar="SECONDS",
    help="At most one sweep in so many seconds, for all who were erased since.",
)
def privacy(sweep_every: int) -> None:
    """Answer the requests on privacy.requests until SIGTERM; run one of these.

    An export.requested.v1 is answered on shadow.exports. After an erase.requested.v1, and once a
    day, what is left of the erased is swept from our topics and from Redis.
    """
    with sentences():
        settings = load_settings()
        if settings.redis_url == "memory://":
            fail(["There is nothing to export in memory://: the state of a worker is its own."])
        start_logging(settings.log_level)
        asyncio.run(_until_told(settings, sweep_every))


async def _until_told(settings: Settings, sweep_every_s: int) -> None:
    """Work; SIGTERM and SIGINT end it wherever it is, since everything may be done again."""
    work = asyncio.create_task(
        _work(settings, rules_of(settings), load_apps(settings.apps), sweep_every_s)
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        _log.info("Ended; what was not done will be done after the next start")


async def _work(
    settings: Settings, book: RuleBook, directory: Directory, sweep_every_s: int
) -> None:
    metrics = Metrics()
    tables = tables_of(settings, on_retry=lambda _: metrics.tables_retries.inc())
    publisher = Publisher(
        settings.kafka_bootstrap_servers,
        metrics=metrics,
        security=kafka_options(settings),
        unique_keys_on=settings.topics.resolved,
    )
    topic = settings.topics.prefix + TOPIC_PRIVACY
    try:
        async with TopicReader(settings, [topic, *settings.topics.written]):
            pass  # says so now if a topic is missing, or a right
        await tables.open()
        async with (
            explained(settings),
            publisher,
            Inbox(settings) as inbox,
            Identified(settings, topic, patience_s=PATIENCE_S) as identified,
            serving(settings.web_port, lambda: unreachable(tables, publisher), metrics),
        ):

            async def reach(ends: Mapping[int, int]) -> None:
                await identified.until(ends)
                async with TopicReader(settings, [settings.topics.resolved]) as log:
                    resolved = settings.topics.resolved
                    await Workers(tables, log, resolved, patience_s=PATIENCE_S).settled()

            async def swept() -> None:
                await _sweep(settings, tables, directory, publisher)

            mailroom = Mailroom(tables, directory, book, settings)
            answers = Answers(settings, tables, book, publisher.publish)
            work = Work(mailroom.read, reach, answers.give, swept)
            _log.info("Ready for requests")
            await PrivacyDesk(inbox, work, sweep_every_s, time.monotonic).run()
    finally:
        await tables.close()


async def _sweep(
    settings: Settings, tables: Tables, directory: Directory, publisher: Publisher
) -> None:
    swept = await sweep(settings, tables, directory, publisher.publish)
    _log.info(
        "Swept: %d records erased, %d entities told to forget",
        swept.tombstones.total(),
        swept.orders,
    )
    if not swept.complete:
        _log.warning("There were too many payments for one sweep; the next ones go on")
