# SPDX-License-Identifier: Apache-2.0
"""A day of events under every fault: nothing is lost, nothing counts twice, nothing differs.

    python -m tests.chaos.run --events 100000 [--cluster] [--faults worker_killed,redis_killed]

Publishing goes on while the faults strike. What the broker has acknowledged is journalled, event by
event, and accounted for at the end (``accounting.py`` says how). Balances, binds, payouts and live
offers are those of the undisturbed run in memory, the ledger which a consumer sees adds up to them,
and every repeated output has identical bytes. After ``kill -9`` of a worker under a steady load the
lag is back where it was within 20 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from stream.config.settings import load_settings
from stream.lookup.open_tables import tables_of
from stream.lookup.verifier import Verifier
from tests.chaos.accounting import Facts, account_for
from tests.chaos.cluster_faults import CLUSTER_FAULTS
from tests.chaos.faults import FAULTS, worker_killed
from tests.chaos.journal import Journal
from tests.chaos.lag import RECOVERED_WITHIN_S, felt_for_s
from tests.chaos.outputs import Outputs, dead_places
from tests.chaos.publishing import Publication
from tests.chaos.spool import Spool
from tests.chaos.stage import SESSION_TIMEOUT_S, Stage
from tests.chaos.undisturbed import undisturbed
from tests.integration.cluster import Cluster
from tests.integration.test_day import BOOK, now_ms
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer
from tests.services.redis_cluster import RedisCluster
from tests.support.snapshot import Snapshot, snapshot

LEAD_S = 1.5  # of the events before a fault
SPREAD_S = 6.0  # over which the events around a fault are published at least
#: Records a second which even a replay of everything on a busy machine reaches.
_SLOWEST = 400

ALL_FAULTS = FAULTS | CLUSTER_FAULTS
#: What the workers of a chaos run have beside the test deployment's own settings.
SETTINGS = {"SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S)}


async def chaos(stage: Stage, spool: Spool, journal: Journal, faults: Sequence[str]) -> None:
    """Run the day under the faults, in this order; raises ``AssertionError`` for any difference."""
    numbers = list(range(len(spool)))
    numbers += stage.random.sample(numbers, len(numbers) // 5)
    stage.random.shuffle(numbers)
    size = -(-len(numbers) // (len(faults) + 1))
    chunks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    patience_s = 120 + len(numbers) / _SLOWEST
    started = time.monotonic()
    supervisor = asyncio.create_task(stage.supervise())
    try:
        await _publication(stage, spool, journal, chunks.pop()).run()
        for name, chunk in zip(faults, chunks, strict=True):
            await stage.wait_for_worker()
            if name == worker_killed.__name__:
                await stage.caught_up_s(patience_s)
            await _strike(stage, name, _publication(stage, spool, journal, chunk))
            await stage.wait_for_redis()
            caught_up_s = await stage.caught_up_s(patience_s)
            print(f"{name:26} caught up after {caught_up_s:5.1f} s", flush=True)
        await stage.cluster.settled(patience_s, quiet_s=3.0)
    finally:
        stage.over = True
        await supervisor
    exits = ", ".join(f"{count} x {code}" for code, count in sorted(stage.exits.items()))
    print(
        f"{len(numbers)} records, {journal.attempts} attempts, {time.monotonic() - started:.0f} s; "
        f"workers ended: {exits or 'none'}"
    )
    if stage.went_back:
        print(f"promoted replicas lacked {stage.went_back} applied records")
    stage.stop_workers()
    await prove(stage.cluster, spool, journal)
    # Last, so that a slow machine does not hide what else there is to know.
    assert max(stage.kills_felt_s, default=0) <= RECOVERED_WITHIN_S, "a kill was felt for too long"


async def _strike(stage: Stage, name: str, publication: Publication) -> None:
    """The fault, in the middle of the publication; of a killed worker, how long it is felt."""
    fault = ALL_FAULTS[name]
    if fault is worker_killed:
        stage.kills_felt_s.append(await felt_for_s(stage, fault, publication))
        return
    publication.per_second = len(publication.numbers) / SPREAD_S
    publishing = asyncio.create_task(publication.run())
    await asyncio.sleep(LEAD_S)
    await stage.wait_for_worker()
    await fault(stage)
    await publishing


def _publication(
    stage: Stage, spool: Spool, journal: Journal, numbers: Sequence[int]
) -> Publication:
    return Publication(stage.cluster, spool, journal, stage.random, numbers)


async def prove(cluster: Cluster, spool: Spool, journal: Journal) -> None:
    """Compare what there is with what was acknowledged and with the undisturbed run."""
    as_of = now_ms()
    entities = await cluster.entities()
    real, facts = snapshot(entities, BOOK, as_of), Facts.of(entities, BOOK, as_of)
    entities.clear()
    quiet = await asyncio.to_thread(undisturbed, spool, as_of)
    assert real == quiet.result, f"(here, undisturbed): {differences(real, quiet.result)}"
    assert facts.digests == quiet.digests
    assert not facts.doubled, f"the facts of {facts.doubled} origins are in several accounts"
    assert await violations(cluster) == []
    outputs = await Outputs.read(cluster)
    outputs.agree_with(real)
    await log_holds(cluster, spool, journal)
    balance = account_for(journal, quiet.reckoning, facts, await dead_places(cluster))
    print(f"{balance}; {outputs.repeated} outputs were repeated")
    assert balance.holds, f"lost: {dict(balance.lost)}, extra dead letters: {balance.extra_dead}"


def differences(one: Snapshot, other: Snapshot, at_most: int = 5) -> dict[str, list[Any]]:
    """Some of what is not the same, by kind."""
    found = {}
    for field in fields(Snapshot):
        a, b = getattr(one, field.name), getattr(other, field.name)
        unequal = ((key, a.get(key), b.get(key)) for key in a.keys() | b.keys())
        found[field.name] = list(islice((u for u in unequal if u[1] != u[2]), at_most))
    return found


async def violations(cluster: Cluster) -> list[str]:
    """What ``shadowpoints verify`` finds wrong: points and counters against the facts."""
    tables = tables_of(load_settings(cluster.environment))
    await tables.open()
    try:
        report = await Verifier(tables, cluster.partitions, patience_s=0.0).run()
        return [f"{v.fault}: {v.found} instead of {v.expected}" for v in report.violations]
    finally:
        await tables.close()


async def log_holds(cluster: Cluster, spool: Spool, journal: Journal) -> None:
    """Every acknowledged record is in the log where the broker said, and every record is there."""
    places = journal.by_place()
    acknowledged, found, batch = set[int](), 0, list[tuple[int, bytes | None]]()

    def compare() -> None:
        numbers = [number for number, _ in batch]
        for record, (_, value) in zip(spool.read(numbers), batch, strict=True):
            assert record.value == value, "the log has another record in that place"
        acknowledged.update(numbers)
        batch.clear()

    async for record in cluster.stream(*cluster.names.sources):
        numbers = places.get((record.topic, record.partition), ())
        if record.offset < len(numbers) and numbers[record.offset] >= 0:
            batch.append((numbers[record.offset], record.value))
            found += 1
        if len(batch) == 1000:
            compare()
    compare()
    assert found == sum(1 for _ in journal.read()), "the log has lost acknowledged records"
    assert len(acknowledged) == len(spool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cluster", action="store_true", help="on a Redis Cluster")
    parser.add_argument("--faults", help=f"some of {', '.join(ALL_FAULTS)}")
    options = parser.parse_args()
    # A producer without its broker says so twenty times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    faults = options.faults.split(",") if options.faults else None
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(KafkaServer())
        redis: RedisServer | RedisCluster = (
            RedisCluster("always") if options.cluster else RedisServer("always")
        )
        stack.enter_context(redis)
        files = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(
            Cluster(
                kafka.bootstrap,
                redis.url,
                "chaos",
                files,
                settings=SETTINGS,
                supervised=True,
                redis_cluster=options.cluster,
            )
        )
        spool = Spool.of(files / "spool", options.events)
        journal = stack.enter_context(Journal(files / "journal"))
        stage = Stage(kafka, redis, cluster, Random(options.seed))
        default = CLUSTER_FAULTS if options.cluster else FAULTS
        asyncio.run(chaos(stage, spool, journal, faults or list(default)))
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"equal to the undisturbed run; this process took {mib} MiB at most")


if __name__ == "__main__":
    main()
