# SPDX-License-Identifier: Apache-2.0
"""Payments of 18.50 yuan, each of another person and worth 185 points, and what was posted."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Source
from tests.support import payloads

APP = "wx1a2b3c4d5e6f7a02"
POINTS = 185

RULES = """
versions:
  - version: 1
    effective: 2024-01-01
    consent: opt_out
    expiry_days: 730
    earn: [{id: till, touchpoint: purchase, points_per_yuan: 10}]
"""

_numbers = itertools.count(1)


def rules_in(folder: Path) -> str:
    """The path of the rules."""
    file = folder / "rules.yaml"
    file.write_text(RULES, "utf-8")
    return str(file)


def payment(ago: timedelta = timedelta()) -> bytes:
    """One more payment, in structured form, of so long ago."""
    return paid(next(_numbers), datetime.now(UTC) - ago)


def paid(number: int, time: datetime) -> bytes:
    """The payment with this number, by somebody of whom nothing else is heard."""
    data = payloads.payment(
        time, f"42000000{number:020}", f"oTill{number:023}", 1850, appid=APP, trade=f"no-{number}"
    )
    return event(f"pay-{number}", "payment.succeeded.v1", time, data)


def event(id_: str, type_: str, at: datetime, data: object) -> bytes:
    """What a till publishes, in structured form."""
    return payloads.structured(type_, id_, at, data, "urn:example:till")


def payments(number: int) -> list[Source]:
    """For ``Cluster.publish``: each with a key of its own, so that all partitions get some."""
    return [("wechat.pay", b"k%d" % n, payment(), []) for n in range(number)]


async def posted(cluster: Cluster) -> int:
    """Points on the ledger, each entry once."""
    found = {
        r.id: orjson.loads(r.value) for r in await cluster.read_channel(Channel.LEDGER) if r.value
    }
    return sum(int(entry["points"]) for entry in found.values())
