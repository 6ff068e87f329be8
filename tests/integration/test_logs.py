# SPDX-License-Identifier: Apache-2.0
"""Ids of people stay out of logs and metrics, at the most talkative level, on a day like any."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pytest

from stream.demo.day import Day, generate
from tests.integration.cluster import Cluster
from tests.services.process import LOOPBACK, free_ports

pytestmark = pytest.mark.integration

#: By these names the events of the day carry ids of people, in all three forms of records.
_PERSON = re.compile(rb'"(?:openid|unionid|from_unionid|transaction_id)":\s*"([^"]{8,})"')


def day() -> Day:
    yesterday = (datetime.now(UTC) + timedelta(hours=8)).date() - timedelta(days=1)
    return generate(consumers=100, events=800, day=yesterday)


def ids_of(day: Day) -> set[str]:
    """Every id of a person in the day's records, those of bad records among them."""
    return {found.decode() for r in day.records for found in _PERSON.findall(r.value)}


def metrics_of(port: int) -> str:
    with urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


async def test_a_day_at_level_debug_names_nobody(cluster: Cluster) -> None:
    (port,) = free_ports(1)
    cluster.settings |= {"LOG_LEVEL": "DEBUG", "WEB_PORT": str(port)}
    sample = day()
    ids = ids_of(sample)
    assert len(ids) > 200

    worker = cluster.start_worker()
    await cluster.publish((r.topic, r.key, r.value, r.headers) for r in sample.records)
    await cluster.settled()
    metrics = await asyncio.to_thread(metrics_of, port)
    assert cluster.stop_worker(worker) == 0
    log = (cluster.logs / "worker-0.log").read_text("utf-8")

    assert "shadowpoints_" in metrics
    assert len(await cluster.dead_letters()) == sample.expectation.dead > 0
    assert "[DEBUG]" in log
    leaks = [line for line in log.splitlines() if any(id_ in line for id_ in ids)]
    assert [line[:80] for line in leaks[:5]] == []
    assert [id_ for id_ in ids if id_ in metrics] == []
