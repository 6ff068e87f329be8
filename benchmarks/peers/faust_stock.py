# SPDX-License-Identifier: Apache-2.0
"""Stock Faust agents as a good engineer writes them first: one event at a time, Redis per event.

One agent looks up the origin in Redis and sends to a keyed topic, another keeps the accounts: GET,
decide, SET, send. Faust's compiled extensions are in use; hiredis, and MessagePack instead of
Faust's own models and JSON, to its favour.
"""

from __future__ import annotations

from typing import cast

import faust
from redis.asyncio import Redis

from benchmarks.peers.job.decode import decode
from benchmarks.peers.job.earn import apply
from benchmarks.peers.job.state import dump, load_message
from benchmarks.peers.job.stitch import key_of, stitch
from benchmarks.peers.place import Place

place = Place.here()
redis: Redis = Redis.from_url(place.redis_url)
app = faust.App(
    place.group,
    broker=f"aiokafka://{place.bootstrap}",
    store="memory://",
    datadir=place.directory,
    web_enabled=False,
    topic_disable_leader=True,
    topic_partitions=place.partitions,
    key_serializer="raw",
    value_serializer="raw",
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=1.0,
    broker_session_timeout=place.session_timeout_s,
    broker_request_timeout=place.session_timeout_s + 30,
    broker_max_poll_interval=place.session_timeout_s,
    producer_acks=-1,
)
sources = app.topic(*place.sources, value_type=bytes)
keyed = app.topic(place.keyed, value_type=bytes)
outputs = {name: app.topic(place.output(name), value_type=bytes) for name in ("ledger", "offers")}


async def stored(key: str) -> bytes | None:
    """A round trip for each event."""
    return cast("bytes | None", await redis.get(key))


@app.agent(sources)
async def identify(stream: faust.StreamT[bytes]) -> None:
    """Stage 1: decode, look up, forward by consumer."""
    async for event in stream.events():
        found = decode(event.value, dict(event.headers))
        messages, writes = stitch(found, await stored(key_of(found)))
        for name, value in writes:
            await redis.set(name, value)
        for message in messages:
            await keyed.send(key=message.to.encode(), value=dump(message))


@app.agent(keyed)
async def reward(stream: faust.StreamT[bytes]) -> None:
    """Stage 2: one account at a time."""
    async for event in stream.events():
        message = load_message(event.value)
        name = f"a:{message.to}"
        as_of_ms = int(event.message.timestamp * 1000)
        account, published, onward = apply(await stored(name), message, as_of_ms)
        await redis.set(name, dump(account))
        for out in published:
            topic = outputs[out.topic]
            await topic.send(key=out.subject.encode(), value=out.value, headers=dict(out.headers))
        for more in onward:
            await keyed.send(key=more.to.encode(), value=dump(more))


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
