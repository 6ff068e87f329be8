"""A day of events under every fault: nothing is lost, nothing counts twice, nothing differs.

    python -m tests.chaos.run --events 100000 [--faults worker_killed,redis_killed] [--seed 1]

Publishing goes on while the faults strike. Afterwards balances, binds, payouts and live offers are
those of the undisturbed run in memory, the ledger a consumer sees adds up to them, and every
repeated output has identical bytes. Every record was acknowledged by the broker before it counts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from aiokafka.errors import KafkaError

from tests.chaos.stage import FAULTS, Stage, caught_up_s
from tests.integration.cluster import Cluster, Source
from tests.integration.test_day import BOOK, now_ms, outputs_are_sound, quiet_run, sample_day
from tests.integration.test_day import sources as sources_of
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer
from tests.support.snapshot import snapshot

LEAD_S = 1.5  # of the events before a fault


async def chaos(stage: Stage, events: int, faults: Sequence[str]) -> None:
    """Run the day under the faults, in this order; raises ``AssertionError`` for any difference."""
    day = sample_day(events)
    records = sources_of(day)
    records += stage.random.sample(records, len(records) // 5)
    stage.random.shuffle(records)
    size = -(-len(records) // (len(faults) + 1))
    chunks = [records[start : start + size] for start in range(0, len(records), size)]
    started = time.monotonic()
    supervisor = asyncio.create_task(stage.supervise())
    try:
        await publish(stage, chunks.pop())
        for name, chunk in zip(faults, chunks, strict=True):
            publishing = asyncio.create_task(publish(stage, chunk))
            await asyncio.sleep(LEAD_S)
            await stage.wait_for_worker()
            await FAULTS[name](stage)
            await publishing
            print(f"{name:26} caught up after {await caught_up_s(stage):5.1f} s", flush=True)
        await stage.cluster.settled(600, quiet_s=3.0)
    finally:
        stage.over = True
        await supervisor
    seconds = time.monotonic() - started
    exits = ", ".join(f"{count} x {code}" for code, count in sorted(stage.exits.items()))
    print(f"{len(records)} records, {seconds:.0f} s; workers ended: {exits or 'none'}")
    stage.cluster.stop_workers()
    as_of = now_ms()
    real = snapshot(await stage.cluster.entities(), BOOK, as_of)
    assert real == quiet_run(day, as_of)
    await outputs_are_sound(stage.cluster, real, day)


async def publish(stage: Stage, records: list[Source]) -> None:
    """Publish until the broker has acknowledged everything: what fails is sent again, whole."""
    while True:
        try:
            await stage.cluster.publish(records, stage.random)
            return
        except (KafkaError, OSError):
            await asyncio.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default=",".join(FAULTS))
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(KafkaServer())
        redis = stack.enter_context(RedisServer("always"))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(
            Cluster(kafka.bootstrap, redis.url, "chaos", logs, supervised=True)
        )
        stage = Stage(kafka, redis, cluster, Random(options.seed))
        asyncio.run(chaos(stage, options.events, options.faults.split(",")))
    print("equal to the undisturbed run; every repeated output has identical bytes")


if __name__ == "__main__":
    main()
