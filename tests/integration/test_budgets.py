# SPDX-License-Identifier: Apache-2.0
"""A campaign's budget on a real Kafka and Redis: it ends by the log, and a rebuild repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas import parse_time, time_ms
from stream.engine.model.decision import Channel
from stream.engine.model.messages import Message
from stream.engine.model.rule_versions import shanghai_minute
from stream.lookup.budgets import granted_by_campaign
from stream.tables.redis import RedisTables
from tests.integration.cluster import Cluster
from tests.integration.test_day import now_ms, once
from tests.integration.test_rules import MEI, append, begun, purchase

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

LI = "union.abc-brand.uLi_0000000000000000000000001"
RULES = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_out
    earn: [{id: till_purchase, touchpoint: purchase, points_per_yuan: 1}]
    campaigns: [{id: spring, from: 2026-01-01, multiplier: 3, budget: 70}]
"""


async def granted(cluster: Cluster) -> int:
    tables = RedisTables(cluster.redis_url, cluster.namespace, cluster.partitions)
    try:
        return (await granted_by_campaign(tables, cluster.partitions))["spring"]
    finally:
        await tables.close()


async def ended(cluster: Cluster) -> list[dict[str, Any]]:
    """What is said of campaigns that have ended."""
    records = await cluster.read(cluster.names.rules)
    return [orjson.loads(r.value or b"") for r in records if r.key == b"campaign-spring"]


def added(ledger: dict[str, Any]) -> list[int]:
    return [entry["points"] for entry in ledger.values() if entry.get("campaign") == "spring"]


async def test_an_exhausted_campaign_ends_and_a_rebuild_repeats_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, "utf-8")
    cluster.settings |= {"RULES": str(file), "CHECK_TOPICS": "false"}
    own = {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact"}
    async with cluster.admin() as admin:  # here time goes as the test will have it
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, cluster.names.resolved, own)]
        )
    await begun(cluster)
    now = now_ms()
    for number, who in enumerate((MEI, LI)):  # 20 points and 40 more for each
        await append(cluster, who, [(purchase(number, now), now)])

    async def is_said() -> bool:
        return bool(await ended(cluster))

    await cluster.until(is_said, 60, "the campaign does not end")
    (said,) = await ended(cluster)
    ends = time_ms(parse_time(said["ends_at"]))
    assert (said["budget"], said["granted"]) == (70, 80)
    assert now + 7 * 60_000 < ends < now_ms() + 10 * 60_000

    late: list[tuple[Message, int]] = [
        (purchase(n, at), ends + 1) for n, at in ((2, ends - 1), (3, ends))
    ]
    await append(cluster, MEI, late)
    await append(cluster, LI, [(purchase(4, ends + 1), ends + 1)])
    await cluster.settled()
    cluster.stop_workers()
    ledger = once(await cluster.read_channel(Channel.LEDGER))
    assert sorted(added(ledger)) == [40, 40, 40]
    assert await granted(cluster) == 120
    entities = await cluster.entities()

    cluster.wipe_redis()
    await begun(cluster)
    cluster.stop_workers()
    assert once(await cluster.read_channel(Channel.LEDGER)) == ledger
    assert await cluster.entities() == entities
    assert await granted(cluster) == 120
    assert await ended(cluster) == [said]
    cluster.run("verify", "--patience", "0")
    said_of = cluster.run("rules", "budgets")
    assert said_of == f"spring: 120 of 70 points; it ends at {shanghai_minute(ends)}\n"
