# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints privacy``: answer export requests and sweep after erasures, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from typing import Final

import click

from schemas.topics import TOPIC_PRIVACY
from stream.brand.directory import load_apps
from stream.commands.common import compare_topics, readable_errors, require_shared_store
from stream.config.settings import Settings, load_settings
from stream.engine.model.directory import Directory
from stream.kafka.connection_errors import explained
from stream.kafka.publisher import Publisher, publisher_of
from stream.kafka.topic_reader import TopicReader, require_topics
from stream.lookup.identify_progress import IdentifyProgress
from stream.lookup.open_tables import tables_of
from stream.lookup.reward_progress import RewardProgress
from stream.privacy.export_requests import ExportAnswers, RequestReader
from stream.privacy.inbox import Inbox
from stream.privacy.request_service import PrivacyService, Work
from stream.privacy.sweep import sweep
from stream.process.health_server import serving
from stream.process.logs import start_logging
from stream.process.readiness import unreachable
from stream.process.worker_metrics import Metrics
from stream.tables import Tables

PATIENCE_S: Final = 600.0  # how long the workers may take to reach a request

_log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--sweep-every",
    type=click.IntRange(0, 86_400),
    default=3_600,
    show_default=True,
    metavar="SECONDS",
    help="The shortest time between two sweeps.",
)
def privacy(sweep_every: int) -> None:
    """Run the service that answers export and erase requests.

    It reads privacy.requests until SIGTERM; run only one. An export.requested.v1 is answered on
    shadow.exports. After an erase.requested.v1, and once a day, a sweep removes what is left of
    erased people from the topics and from Redis.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        start_logging(settings.log_level)
        asyncio.run(_run(settings, sweep_every))


async def _run(settings: Settings, sweep_every_s: int) -> None:
    """SIGTERM and SIGINT stop the work at any point, since all of it can be repeated."""
    work = asyncio.create_task(_work(settings, load_apps(settings.apps), sweep_every_s))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        _log.info("Stopped; unfinished requests are handled after the next start")


async def _work(settings: Settings, directory: Directory, sweep_every_s: int) -> None:
    metrics = Metrics()
    tables = tables_of(settings, on_retry=lambda _: metrics.tables_retries.inc())
    publisher = publisher_of(settings, metrics=metrics, unique_keys_on=settings.topics.resolved)
    topic = settings.topics.prefix + TOPIC_PRIVACY
    try:
        topics = [topic, *settings.topics.written]
        await compare_topics(settings, topics)
        await require_topics(settings, topics)
        await tables.open()
        async with (
            explained(settings),
            publisher,
            Inbox(settings) as inbox,
            IdentifyProgress(settings, topic, patience_s=PATIENCE_S) as identified,
            serving(
                settings.web_port,
                lambda: unreachable(tables, publisher),
                metrics,
                settings.web_host,
            ),
        ):

            async def reach(ends: Mapping[int, int]) -> None:
                await identified.until(ends)
                async with TopicReader(settings, [settings.topics.resolved]) as log:
                    resolved = settings.topics.resolved
                    await RewardProgress(tables, log, resolved, patience_s=PATIENCE_S).settled()

            async def swept() -> None:
                await _sweep(settings, tables, directory, publisher)

            mailroom = RequestReader(tables, directory, settings)
            answers = ExportAnswers(settings, tables, publisher.publish)
            work = Work(mailroom.read, reach, answers.give, swept)
            _log.info("Ready for requests")
            await PrivacyService(inbox, work, sweep_every_s, time.monotonic).run()
    finally:
        await tables.close()


async def _sweep(
    settings: Settings, tables: Tables, directory: Directory, publisher: Publisher
) -> None:
    swept = await sweep(settings, tables, directory, publisher.publish)
    _log.info(
        "Sweep: %d records erased, %d messages to entities",
        swept.tombstones.total(),
        swept.orders,
    )
    if not swept.complete:
        _log.warning("There were too many payments for one sweep; the next sweeps continue")
