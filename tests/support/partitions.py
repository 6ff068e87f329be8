# SPDX-License-Identifier: Apache-2.0
"""Partitions which were added a moment ago."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer


async def known(producer: AIOKafkaProducer, topic: str, partition: int) -> None:
    """Wait until a producer may publish there: brokers hear of a new partition a little later."""
    async with asyncio.timeout(60):
        while partition not in await producer.partitions_for(topic):
            await producer.client.force_metadata_update()
            await asyncio.sleep(0.1)
