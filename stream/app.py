"""Composition root: settings, rules and tables become a Faust app with two agents."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import faust
from mode import Service

from stream.agents import add_agents
from stream.engine.directory import Directory
from stream.engine.ruleset import RuleBook
from stream.rules.apps import load_apps
from stream.runtime.consumer import RunTransport
from stream.runtime.flood import FloodLimit
from stream.runtime.housekeeping import Ticker, wall_clock_ms
from stream.runtime.identifier import Identifier
from stream.runtime.metrics import Metrics
from stream.runtime.positions import Positions
from stream.runtime.publisher import Publisher
from stream.runtime.rewarder import Rewarder
from stream.runtime.rulebook import rules_of
from stream.runtime.security import faust_credentials, hash_secret, kafka_options
from stream.runtime.state import tables_of
from stream.runtime.web import add_pages
from stream.settings import Settings
from stream.tables import Tables

#: Objects allocated between two collections of the youngest generation. Runs of many accounts
#: allocate a lot that lives on; Python's 700 made large runs 1.5 times slower.
_GC_THRESHOLD = 200_000


class ShadowApp(faust.App):
    """A Faust app whose consumer delivers runs and whose state is kept in ``state_tables``."""

    def __init__(
        self,
        settings: Settings,
        state: Tables,
        book: RuleBook,
        directory: Directory,
        metrics: Metrics,
    ) -> None:
        super().__init__(settings.namespace, **faust_settings(settings))
        self.settings, self.state_tables, self.metrics = settings, state, metrics
        names, partitions = settings.topics, settings.partitions
        self.publisher = Publisher(
            settings.kafka_bootstrap_servers,
            metrics=metrics,
            security=kafka_options(settings),
            unique_keys_on=names.resolved,
        )
        publish = self.publisher.publish
        self.rewarder = Rewarder(
            state,
            book,
            publish,
            partitions=partitions,
            namespace=settings.namespace,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            secret=hash_secret(settings),
            names=names,
            metrics=metrics,
        )
        self.identifier = Identifier(
            state,
            directory,
            book,
            publish,
            partitions=partitions,
            clock_ms=wall_clock_ms,
            secret=hash_secret(settings),
            names=names,
            metrics=metrics,
            flood=FloodLimit(settings.dead_letter_share_max),
        )
        self.ticker = Ticker(state, self.rewarder, publish, names, limit=settings.tick_limit)
        self.positions = Positions(self.rewarder, names.resolved, metrics)
        add_agents(self, settings, self.identifier, self.rewarder, metrics)
        if settings.web_port:
            add_pages(self)

    def _new_transport(self) -> RunTransport:
        return RunTransport(self.conf.broker_consumer, self)

    def assignment(self) -> set[Any]:
        """The partitions assigned to this worker."""
        return self._assignment or set()

    async def on_start(self) -> None:
        await self.state_tables.open()
        await self.publisher.start()
        await super().on_start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)

    async def on_shutdown(self) -> None:
        # Everything that works with them has stopped by now.
        await self.publisher.stop()
        await self.state_tables.close()
        await super().on_shutdown()

    @Service.task
    async def _housekeeping(self) -> None:
        async for _ in self.itertimer(self.settings.tick_interval_s, name="housekeeping"):
            if not self.rebalancing and self.rewarder.owned:
                await self.rewarder.check()
                await self.rewarder.trim()
                await self.ticker.tick()


def create_app(
    settings: Settings,
    tables: Tables | None = None,
    *,
    book: RuleBook | None = None,
    directory: Directory | None = None,
    metrics: Metrics | None = None,
) -> ShadowApp:
    """The worker's app. What is not given is made of the settings.

    Raises ``FileInvalid`` (of ``stream.rules.problems``) for a rule or apps file with problems,
    and ``SettingsInvalid`` for a certificate or password file which cannot be used.
    """
    metrics = metrics or Metrics()
    if tables is None:
        tables = tables_of(settings, on_retry=lambda _: metrics.tables_retries.inc())
    return ShadowApp(
        settings,
        tables,
        book or rules_of(settings),
        directory or load_apps(settings.apps),
        metrics,
    )


def faust_settings(settings: Settings) -> dict[str, Any]:
    """Faust's own settings."""
    servers = settings.kafka_bootstrap_servers.split(",")
    return {
        "broker": [f"kafka://{server.strip()}" for server in servers],
        "broker_credentials": faust_credentials(settings),
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_interval_s,
        "broker_rebalance_timeout": settings.rebalance_timeout_s,
        "broker_request_timeout": max(15.0, settings.session_timeout_s + 5.0),
        "broker_commit_interval": settings.commit_interval_s,
        "broker_max_poll_records": settings.poll_records_max,
        "consumer_auto_offset_reset": "earliest",
        "autodiscover": False,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": settings.partitions,
        "stream_recovery_delay": 0.0,
        "stream_wait_empty": True,
        "table_standby_replicas": 0,  # no Faust tables: the plain round-robin assignor will do
        "store": "memory://",
        "datadir": Path(tempfile.gettempdir()) / f"shadowpoints-{os.getuid()}",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "web_enabled": bool(settings.web_port),
        "web_host": "127.0.0.1",
        "web_bind": "127.0.0.1",
        "web_port": settings.web_port or 6066,
        "worker_redirect_stdouts": False,
    }
