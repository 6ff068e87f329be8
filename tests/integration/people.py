# SPDX-License-Identifier: Apache-2.0
"""What people agree to, and what they have."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import orjson

from schemas import binary_headers, format_time, time_from_ms
from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Source

CONSENT: Final = "consent.granted.v1"


async def ledger(cluster: Cluster) -> dict[str, int]:
    """The points posted to each consumer."""
    points: dict[str, int] = defaultdict(int)
    for record in {r.id: r for r in await cluster.read_channel(Channel.LEDGER)}.values():
        entry = orjson.loads(record.value or b"")
        points[entry["consumer_id"]] += entry["points"]
    return dict(points)


def consent(person: str, now_s: int) -> Source:
    """Points are for who agreed; this is the CRM's to report."""
    headers = binary_headers(CONSENT, f"c-{person}", "urn:example:crm", (now_s - 30) * 1000)
    data = {"consumer_id": person, "text_version": "v1", "channel": "crm"}
    return "privacy.requests", person.encode(), orjson.dumps(data), headers


def rfc3339(at_s: int) -> str:
    return format_time(time_from_ms(at_s * 1000))
