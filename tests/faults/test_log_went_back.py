# SPDX-License-Identifier: Apache-2.0
"""Logs which go back, are cut or made anew: what is there is read, and nothing goes unsaid."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.conftest import Kafka
from tests.faults.till import SETTLED_S, deployed, errors_in, log_of, logins, payments, posted
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaServer]:
    """A broker which tests of this module stop and start."""
    with KafkaServer() as server:
        yield server


@pytest.fixture
def cluster(kafka: Kafka, redis_url: str, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with deployed(kafka.bootstrap, redis_url, namespace, tmp_path) as cluster:
        yield cluster


@pytest.fixture
def restored(
    broker: KafkaServer, redis_url: str, namespace: str, tmp_path: Path
) -> Iterator[Cluster]:
    """A deployment on the broker which goes back."""
    with deployed(broker.bootstrap, redis_url, namespace, tmp_path) as cluster:
        yield cluster


class Disk:
    """The broker's copy of one partition, kept and put back."""

    def __init__(self, broker: KafkaServer, topic: str, kept: Path) -> None:
        self._broker, self._kept = broker, kept
        self._folder = broker.directory / "data" / f"{topic}-0"

    def keep(self) -> None:
        self._broker.stop()
        shutil.copytree(self._folder, self._kept)
        self._broker.start()

    def put_back(self) -> None:
        self._broker.stop()
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder)
        self._broker.start()


async def cut(cluster: Cluster, topic: str, before: int) -> None:
    """Delete the records before an offset, as retention does."""
    async with cluster.admin() as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})


async def all_posted(cluster: Cluster, number: int) -> None:
    async def are_posted() -> bool:
        return await posted(cluster) >= number

    await cluster.until(are_posted, SETTLED_S, f"there are no {number} payments in the ledger")


async def ended(cluster: Cluster) -> str:
    """Wait for the last worker to end by itself; what all have said."""
    worker = cluster.workers[-1]
    code = await asyncio.to_thread(worker.wait, SETTLED_S)
    assert code == 1, cluster.log_tails()
    return log_of(cluster)


async def test_a_source_goes_back_under_a_living_worker(
    restored: Cluster, broker: KafkaServer, tmp_path: Path
) -> None:
    topic = restored.names.prefix + "wechat.mini-program"
    disk = Disk(broker, topic, tmp_path / "kept")
    await restored.publish(logins(range(10)))
    await asyncio.to_thread(disk.keep)
    worker = restored.start_worker()
    await restored.publish(logins(range(10, 40)))
    await restored.settled(SETTLED_S)

    await asyncio.to_thread(disk.put_back)
    worker.send_signal(signal.SIGSTOP)
    await restored.publish([*logins(range(40, 45)), *payments(range(20))])
    worker.send_signal(signal.SIGCONT)
    for number in range(20, 25):
        await restored.publish([*logins([number + 25]), *payments([number])])
    await restored.settled(SETTLED_S)
    assert await posted(restored) == 25
    assert restored.counts()["applied"] == 50 + 25

    await restored.publish([*logins(range(50, 80)), *payments(range(25, 30))])
    await restored.settled(SETTLED_S)
    assert await posted(restored) == 30
    assert restored.counts()["applied"] == 80 + 30
    assert worker.poll() is None
    [said] = [line for line in errors_in(log_of(restored)) if "went back" in line]
    assert f"{topic}-0 went back: it was read up to offset 39" in said
    assert "ends at offset" in said


@pytest.mark.parametrize("alive", [True, False])
async def test_a_source_which_went_back_and_is_longer_again_is_read_again(
    restored: Cluster, broker: KafkaServer, tmp_path: Path, alive: bool
) -> None:
    topic = restored.names.prefix + "wechat.pay"
    disk = Disk(broker, topic, tmp_path / "kept")
    await restored.publish(payments(range(5)))
    await asyncio.to_thread(disk.keep)
    worker = restored.start_worker()
    await restored.publish(payments(range(5, 10)))
    await restored.settled(SETTLED_S)

    if alive:
        worker.send_signal(signal.SIGSTOP)
    else:
        restored.stop_workers()
    await asyncio.to_thread(disk.put_back)
    await restored.publish(payments(range(10, 30)))
    if alive:
        worker.send_signal(signal.SIGCONT)
    else:
        restored.start_worker()
    await all_posted(restored, 30)
    await restored.settled(SETTLED_S)

    assert await posted(restored) == 30
    assert any("holds other records than were read" in e for e in errors_in(log_of(restored)))


@pytest.mark.parametrize(("alive", "number"), [(True, 5), (True, 30), (False, 5)])
async def test_a_source_made_anew_is_read(cluster: Cluster, alive: bool, number: int) -> None:
    worker = cluster.start_worker()
    await cluster.publish(payments(range(10)))
    await cluster.settled(SETTLED_S)
    if alive:
        worker.send_signal(signal.SIGSTOP)
    else:
        cluster.stop_workers()

    await cluster.make_anew(cluster.names.prefix + "wechat.pay")
    await cluster.publish(payments(range(10, 10 + number)))
    if alive:
        worker.send_signal(signal.SIGCONT)
    else:
        cluster.start_worker()

    await all_posted(cluster, 10 + number)
    await cluster.settled(SETTLED_S)
    assert await posted(cluster) == 10 + number
    if alive:  # Kafka has deleted the group's offsets with the topic: nobody else remembers
        assert any("wechat.pay-0 went back" in line for line in errors_in(log_of(cluster)))


@pytest.mark.parametrize(("alive", "number"), [(True, 15), (True, 40), (False, 15), (False, 40)])
async def test_a_new_resolved_log_ends_workers(cluster: Cluster, alive: bool, number: int) -> None:
    worker = cluster.start_worker()
    await cluster.publish(payments(range(20)))
    await cluster.settled(SETTLED_S)
    if not alive:
        cluster.stop_workers()
    await cluster.make_anew(cluster.names.resolved)
    if not alive:  # another fills it
        other = Cluster(
            cluster.bootstrap,
            cluster.redis_url,
            cluster.namespace + "-other",
            cluster.logs / "other",
            partitions=1,
            settings=cluster.settings,
            prefix=cluster.names.prefix,
        )
        other.logs.mkdir()
        with other:
            other.start_worker()
            await other.publish(payments(range(20, 20 + number)))
            await other.settled(SETTLED_S)
            other.stop_workers()
        worker = cluster.start_worker()
    else:
        await cluster.publish(payments(range(20, 20 + number)))

    said = await ended(cluster)
    assert "use the Redis that belongs to this Kafka, or an empty one" in said
    assert f"{cluster.names.resolved}-0" in said
    assert worker.poll() == 1

    cluster.start_worker()  # and it does not go on as if nothing was
    assert "LogMismatch" in await ended(cluster)
    cluster.wipe_redis()
    cluster.start_worker()
    if alive:  # nobody has begun that log, so it is begun, and the sources are read again
        assert "stop them and rebuild from the source topics" in await ended(cluster)
        await cluster.make_anew(cluster.names.resolved)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        admin.delete_consumer_groups([cluster.namespace])[cluster.namespace].result(30)
        cluster.wipe_redis()
        cluster.start_worker()
    await all_posted(cluster, 20 + number)


@pytest.mark.parametrize("alive", [True, False])
async def test_reading_goes_on_after_what_retention_took(cluster: Cluster, alive: bool) -> None:
    topic = cluster.names.prefix + "wechat.pay"
    worker = cluster.start_worker()
    await cluster.publish(payments(range(10)))
    await cluster.settled(SETTLED_S)
    if alive:
        worker.send_signal(signal.SIGSTOP)
    else:
        cluster.stop_workers()
    await cluster.publish(payments(range(10, 20)))
    await cut(cluster, topic, 15)
    if alive:
        worker.send_signal(signal.SIGCONT)
    else:
        cluster.start_worker()

    await cluster.settled(SETTLED_S)
    await cluster.publish(payments(range(20, 22)))
    await cluster.settled(SETTLED_S)
    # A fetch which was on its way when the worker stood still may have brought what is gone.
    assert await posted(cluster) in ({17, 22} if alive else {17})
    reported = [line for line in errors_in(log_of(cluster)) if "records are lost" in line]
    assert len(reported) == (await posted(cluster) == 17)
    if reported:
        assert (
            f"{topic}-0 starts at offset 15, but it was read up to 9 only: up to 5" in reported[0]
        )
