"""A short run of what ``make chaos`` does for longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.run import chaos
from tests.chaos.stage import Stage
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer

SHORT = (
    "worker_frozen",
    "broker_killed",
    "redis_killed",
    "connections_cut",
    "redis_rolled_back",
    "redis_emptied",
)


@pytest.mark.integration
@pytest.mark.timeout(400)
async def test_faults_change_nothing(
    new_kafka: Callable[[], KafkaServer], new_redis: Callable[..., RedisServer], tmp_path: Path
) -> None:
    kafka, redis = new_kafka(), new_redis("always")
    with Cluster(kafka.bootstrap, redis.url, "chaos", tmp_path, supervised=True) as cluster:
        stage = Stage(kafka, redis, cluster, Random(2))
        await chaos(stage, events=8_000, faults=SHORT)
