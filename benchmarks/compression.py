# SPDX-License-Identifier: Apache-2.0
"""What compression saves: bytes on the broker's disk of the resolved log and of the ledger.

    python -m benchmarks.compression [--events N] [--rate R]

A day of events goes through one worker, once for each value of ``SHADOWPOINTS_COMPRESSION``: all at
once, so that batches are large, or at ``--rate`` events a second, so that they are small.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

from benchmarks.machines import Machines, cpu_s, started
from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Source
from tests.integration.test_day import sample_day, sources

PARTITIONS = 4
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def bytes_of(machines: Machines, topic: str) -> int:
    """Of the segments of all partitions; their indexes are allocated ahead, and left out."""
    logs = (machines.kafka.directory / "data").glob(f"{topic}-[0-9]*/*.log")
    return sum(log.stat().st_size for log in logs)


async def publish(cluster: Cluster, records: Sequence[Source], rate: float) -> None:
    """All at once, or some each fifth of a second."""
    if not rate:
        await cluster.publish(records)
        return
    step = max(1, int(rate / 5))
    for at in range(0, len(records), step):
        began = time.monotonic()
        await cluster.publish(records[at : at + step])
        await asyncio.sleep(max(0.0, 0.2 - (time.monotonic() - began)))


async def run(machines: Machines, codec: str, records: Sequence[Source], rate: float) -> None:
    """A line for one codec."""
    folder = machines.directory / codec
    folder.mkdir()
    name, settings = f"codec-{codec}", {"COMPRESSION": codec}
    with Cluster(machines.bootstrap, machines.redis_url(0), name, folder, PARTITIONS) as cluster:
        cluster.settings |= settings
        if rate:
            worker = cluster.start_worker()
            await publish(cluster, records, rate)
        else:
            await publish(cluster, records, rate)
            worker = cluster.start_worker()
        await cluster.settled(timeout_s=900)
        resolved = bytes_of(machines, cluster.names.resolved)
        ledger = bytes_of(machines, cluster.names.channel(Channel.LEDGER))
        print(
            f"{codec:8} resolved {resolved:12,}  ledger {ledger:12,} bytes  "
            f"worker {cpu_s(worker.pid):6.1f} s of CPU",
            flush=True,
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compression")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; 0: all at once")
    arguments = parser.parse_args()
    records = sources(sample_day(arguments.events))
    with started() as machines:
        for codec in CODECS:
            asyncio.run(run(machines, codec, records, arguments.rate))


if __name__ == "__main__":
    main()
