# SPDX-License-Identifier: Apache-2.0
"""A plain aiokafka loop with Redis pipelines: the limit of the client, which promises nothing.

All records which wait are taken together: one MGET and one MSET for each stage, batches built by
hand, offsets committed once a second afterwards. A crash in between repeats what was done: state
and output are not one step, there is no owner, no fence and no outbox.
"""

from __future__ import annotations

import asyncio
import gc
import zlib
from collections.abc import Awaitable, Iterable
from time import monotonic
from typing import cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from redis.asyncio import Redis

from benchmarks.peers.job.decode import decode
from benchmarks.peers.job.earn import apply
from benchmarks.peers.job.state import Account, dump, load_message
from benchmarks.peers.job.stitch import key_of, stitch
from benchmarks.peers.place import Place

_RECORDS_MAX = 4000
_BATCH_BYTES = 524_288
_COMMIT_EVERY_S = 1.0

#: topic, partition -> value, headers
_Sent = dict[tuple[str, int], list[tuple[bytes, list[tuple[str, bytes]]]]]


class Loop:
    """Both stages in one loop."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.redis: Redis = Redis.from_url(place.redis_url)
        self.producer = AIOKafkaProducer(
            bootstrap_servers=place.bootstrap, acks="all", max_batch_size=_BATCH_BYTES
        )
        self.consumer = AIOKafkaConsumer(
            *place.sources,
            place.keyed,
            bootstrap_servers=place.bootstrap,
            group_id=place.group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=place.session_timeout_s * 1000,
            max_poll_interval_ms=place.session_timeout_s * 1000,
        )

    async def run(self) -> None:
        await self.producer.start()
        await self.consumer.start()
        committed_at = monotonic()
        while True:
            fetched = await self.consumer.getmany(timeout_ms=500, max_records=_RECORDS_MAX)
            sources: list[ConsumerRecord] = []
            keyed: list[ConsumerRecord] = []
            for tp, records in fetched.items():
                (keyed if tp.topic == self.place.keyed else sources).extend(records)
            if sources:
                await self._send(await self._identify(sources))
            if keyed:
                await self._send(await self._reward(keyed))
            if monotonic() - committed_at > _COMMIT_EVERY_S:
                await self.consumer.commit()
                committed_at = monotonic()

    async def _identify(self, records: Iterable[ConsumerRecord]) -> _Sent:
        events = [decode(record.value, dict(record.headers)) for record in records]
        keys = [key_of(event) for event in events]
        wanted = list(set(keys))
        known = dict(zip(wanted, await self._stored(wanted), strict=True))
        written: dict[str, bytes] = {}
        sent: _Sent = {}
        for event, key in zip(events, keys, strict=True):
            messages, writes = stitch(event, known.get(key))
            for name, value in writes:
                known[name] = written[name] = value
            for message in messages:
                place = self.place.keyed, self._partition(message.to)
                sent.setdefault(place, []).append((dump(message), []))
        if written:
            await self.redis.mset(written)
        return sent

    async def _reward(self, records: Iterable[ConsumerRecord]) -> _Sent:
        messages = [(load_message(record.value), record.timestamp) for record in records]
        wanted = list({message.to for message, _ in messages})
        stored = await self._stored([f"a:{key}" for key in wanted])
        accounts: dict[str, Account | bytes | None] = dict(zip(wanted, stored, strict=True))
        sent: _Sent = {}
        for message, as_of_ms in messages:
            key = message.to
            account, outputs, onward = apply(accounts[key], message, as_of_ms)
            accounts[key] = account
            for out in outputs:
                place = self.place.output(out.topic), self._partition(out.subject)
                sent.setdefault(place, []).append((out.value, out.headers))
            for more in onward:
                place = self.place.keyed, self._partition(more.to)
                sent.setdefault(place, []).append((dump(more), []))
        await self.redis.mset({f"a:{key}": dump(account) for key, account in accounts.items()})
        return sent

    async def _stored(self, keys: list[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", await self.redis.mget(keys))

    def _partition(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self.place.partitions

    async def _send(self, sent: _Sent) -> None:
        acknowledged: list[Awaitable[object]] = []
        for (topic, partition), records in sent.items():
            batch = self.producer.create_batch()
            for value, headers in records:
                while not batch.append(key=None, value=value, timestamp=None, headers=headers):
                    batch.close()
                    acknowledged.append(
                        await self.producer.send_batch(batch, topic, partition=partition)
                    )
                    batch = self.producer.create_batch()
            batch.close()
            acknowledged.append(await self.producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*acknowledged)


async def main() -> None:
    loop = Loop(Place.here())
    gc.freeze()
    gc.set_threshold(50_000)
    await loop.run()


if __name__ == "__main__":
    asyncio.run(main())
