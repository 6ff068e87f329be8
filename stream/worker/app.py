# SPDX-License-Identifier: Apache-2.0
"""Build the worker's Faust app, with its two agents, from settings, rules and tables."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, cast

import faust
from mode import Service

from schemas import Reason
from stream.addressing.topics import METADATA_MAX_AGE_MS
from stream.brand.directory import load_apps
from stream.config.client_security import faust_credentials, hash_secret
from stream.config.settings import Settings
from stream.engine.model.directory import Directory
from stream.engine.model.outcomes import Outcome
from stream.kafka.dead_letters import refused_record
from stream.kafka.publisher import publisher_of
from stream.lookup.budgets import Budgets
from stream.lookup.open_tables import tables_of
from stream.lookup.rules_in_force import horizons_of
from stream.process.clock import wall_clock_ms
from stream.process.health_server import serving
from stream.process.worker_metrics import Metrics
from stream.tables import Tables
from stream.worker.agents import add_agents
from stream.worker.breaker_resume import Resumption
from stream.worker.consumer import BatchConsumer, BatchTransport
from stream.worker.dead_letter_breaker import Floods
from stream.worker.identify import IdentifyStage
from stream.worker.positions import Positions
from stream.worker.readiness import readiness
from stream.worker.reward import RewardStage
from stream.worker.ticker import Ticker

#: Objects allocated between two collections of the youngest generation. Batches of many accounts
#: allocate many long-lived objects; Python's default of 700 made large batches 1.5 times slower.
_GC_THRESHOLD = 200_000


class ShadowApp(faust.App):
    """A Faust app whose consumer delivers batches and whose state is kept in ``state_tables``."""

    def __init__(
        self,
        settings: Settings,
        state: Tables,
        directory: Directory,
        metrics: Metrics,
    ) -> None:
        super().__init__(settings.namespace, **faust_settings(settings))
        self.settings, self.state_tables, self.metrics = settings, state, metrics
        names, partitions = settings.topics, settings.partitions
        self.publisher = publisher_of(
            settings,
            metrics=metrics,
            unique_keys_on=names.resolved,
            replacement=partial(refused_record, names),
            skew_max_s=settings.clock_skew_max_s,
        )
        publish = self.publisher.publish
        self.reward_stage = RewardStage(
            state,
            publish,
            partitions=partitions,
            namespace=settings.namespace,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            secret=hash_secret(settings),
            names=names,
            metrics=metrics,
        )
        self.identify_stage = IdentifyStage(
            state,
            directory,
            horizons_of(settings),
            publish,
            partitions=partitions,
            clock_ms=wall_clock_ms,
            secret=hash_secret(settings),
            names=names,
            metrics=metrics,
            floods=Floods(settings.dead_letter_share_max),
        )
        self.ticker = Ticker(state, self.reward_stage, publish, names, limit=settings.tick_limit)
        self.budgets = Budgets(
            state,
            publish,
            names,
            partitions=partitions,
            namespace=settings.namespace,
        )
        self.resumption = Resumption(state, self.identify_stage)
        self.positions = Positions(self.reward_stage, names.resolved, metrics)
        add_agents(self, settings, self.identify_stage, self.reward_stage, metrics)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def assignment(self) -> set[Any]:
        """The partitions assigned to this worker."""
        return self._assignment or set()

    async def on_start(self) -> None:
        await self.state_tables.open()
        await self.publisher.start()
        await self.add_async_context(
            serving(
                self.settings.web_port,
                lambda: readiness(self),
                self.metrics,
                self.settings.web_host,
            )
        )
        await super().on_start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)

    async def on_shutdown(self) -> None:
        # All their users have stopped.
        await self.publisher.stop()
        await self.state_tables.close()
        await super().on_shutdown()

    @Service.task
    async def _housekeeping(self) -> None:
        async for _ in self.itertimer(self.settings.tick_interval_s, name="housekeeping"):
            if not self.rebalancing:
                await self.state_tables.check()
                await self.resumption.look(cast(BatchConsumer, self.consumer).go_on)
            if not self.rebalancing and self.reward_stage.owned:
                await self.reward_stage.check()
                await self.reward_stage.trim()
                await self.ticker.tick()
                if 0 in self.reward_stage.owned:  # so that one worker of all does it
                    await self.budgets.look()


def create_app(
    settings: Settings,
    tables: Tables | None = None,
    *,
    directory: Directory | None = None,
    metrics: Metrics | None = None,
) -> ShadowApp:
    """The worker's app; missing arguments are built from the settings.

    Raises ``FileInvalid`` (of ``stream.yaml_config.problems``) for an apps file with problems, and
    ``SettingsInvalid`` for an unusable certificate or password file.
    """
    metrics = metrics or Metrics(Outcome, Reason)
    if tables is None:
        tables = tables_of(settings, on_retry=lambda _: metrics.tables_retries.inc())
    return ShadowApp(
        settings,
        tables,
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
        "consumer_metadata_max_age_ms": METADATA_MAX_AGE_MS,
        "consumer_auto_offset_reset": "none",  # stream.worker.positions finds where to go on
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
        "web_enabled": False,  # stream.process.health_server serves our pages
        "web_host": "127.0.0.1",
        "web_port": settings.web_port or 6066,  # with the host, what Faust calls this worker
        "worker_redirect_stdouts": False,
    }
