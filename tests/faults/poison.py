# SPDX-License-Identifier: Apache-2.0
"""Records which Kafka's Python clients refuse to write as they refuse to read them."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

_CRC_AT, _CHECKED_FROM = 17, 21  # in a batch
_STANDS_FOR_IT = "!!bad!!"


async def bad_name(
    bootstrap: str, topic: str, values: Sequence[bytes], bad: int = 0, partition: int = 0
) -> None:
    """Publish values as one batch; the one with this number has a header name that is not UTF-8."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        for number, value in enumerate(values):
            name = _STANDS_FOR_IT if number == bad else "ok"
            taken = batch.append(key=b"key", value=value, timestamp=None, headers=[(name, b"1")])
            assert taken is not None
        raw = bytearray(batch._build()).replace(_STANDS_FOR_IT.encode(), b"\xff\xfebad!!")
        raw[_CRC_AT:_CHECKED_FROM] = calc_crc32c(bytes(raw[_CHECKED_FROM:])).to_bytes(4)
        batch._buffer = bytes(raw)
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
