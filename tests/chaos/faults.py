"""What happens to workers, to the broker and to a single Redis."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

import redis

from tests.chaos.stage import SESSION_TIMEOUT_S, Fault, Stage
from tests.services.redis import RedisServer


async def worker_killed(stage: Stage) -> None:
    """``kill -9`` of one worker."""
    stage.any_worker().kill()


async def worker_frozen(stage: Stage) -> None:
    """A zombie: frozen beyond its session, so that others take over, then thawed."""
    worker = stage.any_worker()
    worker.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SESSION_TIMEOUT_S + 3)
    worker.send_signal(signal.SIGCONT)


async def worker_added_and_removed(stage: Stage) -> None:
    """A rebalance storm: one more, one less, one more."""
    stage.workers_wanted += 1
    await asyncio.sleep(2)
    stage.workers_wanted -= 1
    stage.any_worker().terminate()
    await asyncio.sleep(2)


async def broker_killed(stage: Stage) -> None:
    """``kill -9`` of the broker, back after three seconds."""
    await asyncio.to_thread(stage.kafka.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(stage.kafka.start)


async def redis_killed(stage: Stage) -> None:
    """``kill -9`` of Redis; it comes back with its append-only file."""
    server = _single(stage)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(server.start)


async def redis_frozen(stage: Stage) -> None:
    """Redis silent for longer than the clients' timeout."""
    server = _single(stage)
    server.pause()
    await asyncio.sleep(7)
    server.resume()


async def connections_cut(stage: Stage) -> None:
    """Every client connection of Redis is closed."""
    with redis.Redis.from_url(_single(stage).url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0)


async def redis_rolled_back(stage: Stage) -> None:
    """Redis restored from its files of some time ago."""
    server = _single(stage)
    backup = server.directory.with_name(server.directory.name + "-backup")
    if stage.backup is None:
        _copy(server.directory / "appendonlydir", backup)
        await asyncio.sleep(4)
    await asyncio.to_thread(server.kill)
    _copy(backup, server.directory / "appendonlydir")
    shutil.rmtree(backup)
    await asyncio.to_thread(server.start)


async def redis_emptied(stage: Stage) -> None:
    """Everything in Redis is gone."""
    with redis.Redis.from_url(_single(stage).url) as client:
        client.flushall()
    await asyncio.sleep(0)


def _single(stage: Stage) -> RedisServer:
    assert isinstance(stage.redis, RedisServer)
    return stage.redis


def _copy(from_: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(from_, to)


#: In the order in which they strike; each names the function.
WORKER_FAULTS: tuple[Fault, ...] = (
    worker_killed,
    worker_frozen,
    worker_added_and_removed,
    broker_killed,
)
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *WORKER_FAULTS,
        redis_killed,
        redis_frozen,
        connections_cut,
        redis_rolled_back,
        redis_emptied,
    )
}
