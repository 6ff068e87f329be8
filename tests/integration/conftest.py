# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Kafka
from tests.integration.cluster import Cluster


@pytest.fixture
def new_cluster(
    kafka: Kafka, redis_url: str, namespace: str, tmp_path: Path
) -> Iterator[Callable[..., Cluster]]:
    """Give a maker of deployments on the session's broker and Redis, each apart from the rest."""
    with ExitStack() as stack:
        made: list[Cluster] = []

        def make(partitions: int = 4, **settings: str) -> Cluster:
            logs = tmp_path / f"logs-{len(made)}"
            logs.mkdir()
            name = f"{namespace}-{len(made)}"
            cluster = Cluster(kafka.bootstrap, redis_url, name, logs, partitions, settings)
            made.append(cluster)
            return stack.enter_context(cluster)

        yield make


@pytest.fixture
def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """Give one deployment."""
    return new_cluster()
