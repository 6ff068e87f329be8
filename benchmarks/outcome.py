# SPDX-License-Identifier: Apache-2.0
"""What a contender has published, reduced to what must be equal: balances and live offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
from confluent_kafka import Consumer, Message, TopicPartition

from benchmarks.contenders import Contender
from benchmarks.reference import Reference

_LIVE = (b"offer.issued.v1", b"offer.revised.v1")


class Different(Exception):
    """The result is not what the events must come to; no time of it may be reported."""


@dataclass
class Outcome:
    """By consumer id. Times in ms since the Unix epoch, by the broker's clock."""

    balances: dict[str, int] = field(default_factory=dict)
    offers: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    told: int = 0  # offer events
    last_ms: int = 0


def outcome_of(contender: Contender) -> Outcome:
    """Read both output topics from their beginning."""
    found = Outcome()
    for topic in (contender.ledger, contender.offers):
        for message in _all(contender, topic):
            found.last_ms = max(found.last_ms, message.timestamp()[1])
            if topic == contender.ledger:
                _entry(found, message)
            else:
                _offer(found, message)
    found.balances = {who: points for who, points in found.balances.items() if points}
    return found


def check(found: Outcome, reference: Reference) -> None:
    """Raises ``Different`` with numbers, without ids."""
    balances, offers = reference.result()
    for what, is_, must in (
        ("balances", found.balances, balances),
        ("live offers", found.offers, offers),
    ):
        if is_ != must:
            keys = is_.keys() | must.keys()
            wrong = sum(is_.get(key) != must.get(key) for key in keys)
            raise Different(f"{wrong} of {len(keys)} {what} are not what they must be")


def _entry(found: Outcome, message: Message) -> None:
    found.entries += 1
    headers = _headers(message)
    found.balances[headers["ce_subject"].decode()] = orjson.loads(_value(message))["balance"]


def _offer(found: Outcome, message: Message) -> None:
    found.told += 1
    headers = _headers(message)
    who = headers["ce_subject"].decode()
    if headers["ce_type"] in _LIVE:
        found.offers[who] = orjson.loads(_value(message))["points"]
    else:
        found.offers.pop(who, None)


def _headers(message: Message) -> dict[str, bytes]:
    return dict(message.headers() or ())  # type: ignore[arg-type]


def _value(message: Message) -> bytes:
    value = message.value()
    assert isinstance(value, bytes)
    return value


def _all(contender: Contender, topic: str) -> Iterator[Message]:
    """In order within a partition."""
    machines = contender.machines
    ends = machines.ends([topic], contender.partitions)
    consumer = Consumer(
        {
            "bootstrap.servers": machines.bootstrap,
            "log_level": 0,
            "group.id": "benchmark-outcome",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
        }
    )
    missing = {partition: end for (_, partition), end in ends.items() if end}
    consumer.assign([TopicPartition(topic, partition, 0) for partition in missing])
    try:
        while missing:
            for message in consumer.consume(1000, timeout=5):
                if message.error():
                    raise RuntimeError(str(message.error()))
                yield message
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                if offset + 1 >= missing[partition]:
                    del missing[partition]
    finally:
        consumer.close()
