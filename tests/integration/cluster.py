# SPDX-License-Identifier: Apache-2.0
"""Workers as real processes on a real broker and a real Redis, and what they leave there."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self

import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stream.addressing.pseudonyms import id_of
from stream.addressing.topics import TopicNames
from stream.engine.model.decision import Channel
from stream.kafka.fetching import COMMITTED_ONLY, LogFetcher
from stream.kafka.topic_partitions import partitions_of
from stream.kafka.unreadable_records import is_record
from stream.tables.keys import META_APPLIED, META_COUNTER, PartitionKeys, partition_keys
from stream.tables.redis import RedisTables
from tests.support import commands
from tests.support.commands import SHADOWPOINTS

#: topic, key, value, headers
Source = tuple[str, bytes | None, bytes, Sequence[tuple[str, bytes]]]


@dataclass(frozen=True)
class Read:
    """A record as a consumer sees it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def id(self) -> str:
        return self.headers["ce_id"].decode()


@dataclass
class Cluster:
    """One deployment: its own topics, consumer group and Redis keys."""

    bootstrap: str
    redis_url: str
    namespace: str
    logs: Path
    partitions: int = 4
    settings: dict[str, str] = field(default_factory=dict)
    prefix: str | None = None  # of topic names; the namespace's own by default
    supervised: bool = False  # somebody starts again what ended
    redis_cluster: bool = False  # redis_url is a node of a Redis Cluster
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    source_partitions: int = field(init=False)

    def __post_init__(self) -> None:
        self.source_partitions = self.partitions

    def __enter__(self) -> Self:
        self.run("topics", "create")
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()

    @property
    def names(self) -> TopicNames:
        prefix = f"{self.namespace}." if self.prefix is None else self.prefix
        return TopicNames(prefix, self.settings.get("OWN_PREFIX", ""))

    @property
    def environment(self) -> dict[str, str]:
        mine = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "REDIS_URL": self.redis_url,
            "REDIS_CLUSTER": str(self.redis_cluster),
            "NAMESPACE": self.namespace,
            "TOPIC_PREFIX": self.names.prefix,
            "PARTITIONS": str(self.partitions),
            "TICK_INTERVAL_S": "1",
            "SESSION_TIMEOUT_S": "6",
            **self.settings,
        }
        return commands.others() | {f"SHADOWPOINTS_{name}": value for name, value in mine.items()}

    # processes -------------------------------------------------------------------------------

    def run(self, *command: str) -> str:
        """A command of the product, to its end; its output."""
        return commands.output_of([*SHADOWPOINTS, *command], self.environment)

    def start_worker(self, **more: str) -> subprocess.Popen[bytes]:
        """One more; ``more`` goes into its environment as it is."""
        log = self.logs / f"worker-{len(self.workers)}.log"
        self.workers.append(commands.start([*SHADOWPOINTS, "worker"], self.environment | more, log))
        return self.workers[-1]

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait()

    def stop_worker(self, worker: subprocess.Popen[bytes], within_s: float = 60.0) -> int:
        """SIGTERM; the exit code, or a failure when it takes longer."""
        worker.send_signal(signal.SIGTERM)
        return worker.wait(timeout=within_s)

    def stop_workers(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                assert self.stop_worker(worker) == 0, self.log_tails()

    def log_tails(self) -> str:
        tails = []
        for path in sorted(self.logs.glob("worker-*.log")):
            tails.append(f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-25:]))
        return "\n".join(tails)

    # topics ----------------------------------------------------------------------------------

    async def publish(self, records: Iterable[Source], random: Random | None = None) -> None:
        """Publish in this order; with ``random`` to any partition, else as the key says."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=20, max_request_size=4_000_000
        )
        await producer.start()
        try:
            pending = []
            for topic, key, value, headers in records:
                partition = random.randrange(self.partitions) if random else None
                pending.append(
                    await producer.send(
                        self.names.prefix + topic,
                        value,
                        key,
                        headers=list(headers),
                        partition=partition,
                    )
                )
            await producer.flush()
            await asyncio.gather(*pending)
        finally:
            await producer.stop()

    async def erase(self, records: Iterable[Read]) -> None:
        """Publish a tombstone for each."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for r in records:
                await producer.send_and_wait(r.topic, None, r.key, partition=r.partition)
        finally:
            await producer.stop()

    async def read(self, *topics: str) -> list[Read]:
        """Everything in topics up to now, by partition and offset."""
        return [record async for record in self.stream(*topics)]

    async def stream(self, *topics: str) -> AsyncIterator[Read]:
        """The same, one after the other: a topic may be larger than the memory.

        What was aborted, and what no client can read, is left out.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8_000_000,
            **COMMITTED_ONLY,
        )
        draw = LogFetcher(consumer)
        await consumer.start()
        try:
            places = await partitions_of(consumer, topics)
            wanted = [place for topic in topics for place in places[topic]]
            consumer.assign(wanted)
            ends = await consumer.end_offsets(wanted)
            for tp in wanted:
                consumer.pause(*[other for other in wanted if other != tp])
                consumer.resume(tp)
                while await consumer.position(tp) < ends[tp]:
                    for r in (await draw.records([tp], 1.0, 500)).get(tp, ()):
                        if is_record(r):
                            headers = dict(r.headers)
                            yield Read(tp.topic, tp.partition, r.offset, r.key, r.value, headers)
        finally:
            await consumer.stop()

    async def read_channel(self, channel: Channel) -> list[Read]:
        return await self.read(self.names.channel(channel))

    async def dead_letters(self) -> list[Read]:
        return await self.read(self.names.dead_letters)

    # state -----------------------------------------------------------------------------------

    async def entities(self) -> dict[str, bytes]:
        tables = RedisTables(
            self.redis_url,
            self.namespace,
            self.partitions,
            cluster=self.redis_cluster,
            secret_id=id_of(self.settings.get("HASH_KEY", "").encode()),
        )
        await tables.open()
        try:
            found: dict[str, bytes] = {}
            for partition in range(self.partitions):
                found |= await tables.entities(partition)
            return found
        finally:
            await tables.close()

    def counts(self) -> dict[str, int]:
        totals: dict[str, int] = defaultdict(int)
        for meta in self._metas():
            for name, value in meta.items():
                if name.startswith(META_COUNTER):
                    totals[name.removeprefix(META_COUNTER).decode()] += int(value)
        return {name: number for name, number in totals.items() if number}

    def applied(self) -> list[int]:
        return [int(meta.get(META_APPLIED, b"-1")) for meta in self._metas()]

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def forget_resolved(self) -> None:
        """Delete the resolved topic and make it anew, empty."""
        await self.make_anew(self.names.resolved)

    async def make_anew(self, topic: str) -> None:
        """Delete a topic and make it again, empty."""
        async with self.admin() as admin:
            await admin.delete_topics([topic])
            async with asyncio.timeout(60):
                while topic in await admin.list_topics():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await asyncio.sleep(2)  # Kafka says that it is gone before it is
        await asyncio.to_thread(self.run, "topics", "create")

    def wipe_redis(self) -> None:
        """Forget all state of this deployment, as a lost Redis would."""
        with redis.Redis.from_url(self.redis_url) as client:
            for pattern in (f"{{{self.namespace}.*", f"{self.namespace}:*"):
                keys = list(client.scan_iter(match=pattern, count=1000))
                for start in range(0, len(keys), 1000):
                    client.delete(*keys[start : start + 1000])

    def _pending(self) -> int:
        """Outputs which are committed, and not known to be published."""
        return sum(self._of_each(lambda pipe, keys: pipe.llen(keys.pending)))

    def _metas(self) -> list[dict[bytes, bytes]]:
        return self._of_each(lambda pipe, keys: pipe.hgetall(keys.meta))

    def _of_each(self, ask: Callable[[Any, PartitionKeys], object]) -> list[Any]:
        kind = redis.RedisCluster if self.redis_cluster else redis.Redis
        with kind.from_url(self.redis_url) as client:
            pipe = client.pipeline(transaction=False)
            for partition in self._every:
                ask(pipe, partition_keys(self.namespace, partition))
            return list(pipe.execute())

    async def settled(self, timeout_s: float = 120, quiet_s: float = 1.5) -> None:
        """Wait until everything published is applied and nothing has moved for a while."""
        await self.until(self._at_rest, timeout_s, "the engine does not come to rest")
        last = self.applied()
        end, quiet_since = time.monotonic() + timeout_s, time.monotonic()
        while time.monotonic() - quiet_since < quiet_s:
            assert time.monotonic() < end, "the engine does not come to rest\n" + self.log_tails()
            await asyncio.sleep(0.3)
            if self.applied() != last or not await self._at_rest():
                last, quiet_since = self.applied(), time.monotonic()

    async def until(
        self, condition: Callable[[], object], timeout_s: float, otherwise: str
    ) -> None:
        end = time.monotonic() + timeout_s
        while True:
            answer = condition()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            assert time.monotonic() < end, f"{otherwise}\n{self.log_tails()}"
            ended = self.workers and all(worker.poll() is not None for worker in self.workers)
            assert not ended or self.supervised, f"no worker runs any more\n{self.log_tails()}"
            await asyncio.sleep(0.2)

    async def _at_rest(self) -> bool:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.namespace, enable_auto_commit=False
        )
        try:
            await consumer.start()
            places = await partitions_of(consumer, self.names.sources)
            sources = [place for mine in places.values() for place in mine]
            ends = await consumer.end_offsets(sources)
            for tp in sources:
                if ends[tp] and (await consumer.committed(tp) or 0) < ends[tp]:
                    return False
            resolved = [TopicPartition(self.names.resolved, p) for p in self._every]
            ends = await consumer.end_offsets(resolved)
            applied = self.applied()
            if any(applied[tp.partition] != ends[tp] - 1 for tp in resolved):
                return False
            return not self._pending()  # a worker killed after its commit left it to the next
        except KafkaError:  # a broker that was away may need a moment
            return False
        finally:
            await consumer.stop()

    @property
    def _every(self) -> range:
        return range(self.partitions)
