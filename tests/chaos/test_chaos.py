# SPDX-License-Identifier: Apache-2.0
"""Short runs of what ``make chaos`` does for longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.journal import Journal
from tests.chaos.run import SETTINGS, chaos
from tests.chaos.spool import Spool
from tests.chaos.stage import Stage
from tests.conftest import unavailable
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.process import ServiceUnavailable
from tests.services.redis import RedisServer
from tests.services.redis_cluster import RedisCluster

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(400)]

SHORT = ("worker_killed", "worker_frozen", "broker_killed", "redis_rolled_back", "redis_emptied")


async def test_faults_change_nothing(
    new_kafka: Callable[[], KafkaServer], new_redis: Callable[..., RedisServer], tmp_path: Path
) -> None:
    kafka, redis = new_kafka(), new_redis("always")
    with (
        Cluster(
            kafka.bootstrap, redis.url, "chaos", tmp_path, settings=SETTINGS, supervised=True
        ) as cluster,
        Journal(tmp_path / "journal") as journal,
    ):
        stage = Stage(kafka, redis, cluster, Random(2))
        await chaos(stage, Spool.of(tmp_path / "spool", 8_000, 4_000), journal, SHORT)


async def test_a_failover_which_forgets_changes_nothing(
    new_kafka: Callable[[], KafkaServer], tmp_path: Path
) -> None:
    try:
        redis_cluster = RedisCluster("always")
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    kafka = new_kafka()
    with (
        redis_cluster as redis,
        Cluster(
            kafka.bootstrap,
            redis.url,
            "chaos",
            tmp_path,
            settings=SETTINGS,
            supervised=True,
            redis_cluster=True,
        ) as cluster,
        Journal(tmp_path / "journal") as journal,
    ):
        stage = Stage(kafka, redis, cluster, Random(3))
        faults = ("failover", "stale_replica_promoted")
        await chaos(stage, Spool.of(tmp_path / "spool", 2_000), journal, faults)
        assert stage.went_back
