# SPDX-License-Identifier: Apache-2.0
"""The sample of a CRM beside a worker: killed, started again, and told everything twice."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Read
from tests.integration.till import APP, POINTS, RULES, paid
from tests.support import commands
from tests.support.openapi import PATH

pytestmark = pytest.mark.integration

EXAMPLE = PATH.parents[1] / "examples" / "crm_consumer.py"
OFFERS = """\
    offers:
      - id: welcome
        threshold_points: 100
        triggers: [purchase]
        lifetime: {days: 30}
        cooldown_hours: 0
        text: {zh-CN: "立即注册，领取 {points} 积分！", en: "Sign up now for {points} points"}
        short_text: {zh-CN: "领取{points}积分", en: "{points} points"}
"""
MANY = 60
PERSON = "origin." + APP + ".oTill{:023}"


def stored(database: Path, query: str) -> list[Any]:
    """What the sample has in its file; nothing before it has made its tables."""
    with sqlite3.connect(database) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'credits'").fetchall():
            return []
        return db.execute(query).fetchall()


async def again(cluster: Cluster, records: list[Read]) -> None:
    """Publish records once more, as a worker may after a crash."""
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    await producer.start()
    try:
        for r in records:
            headers = list(r.headers.items())
            await producer.send_and_wait(r.topic, r.value, r.key, r.partition, headers=headers)
    finally:
        await producer.stop()


@pytest.mark.timeout(480)
async def test_each_person_is_enrolled_and_credited_once(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    rules, database = tmp_path / "rules.yaml", tmp_path / "crm.sqlite3"
    rules.write_text(RULES + OFFERS, "utf-8")
    cluster = new_cluster(2, RULES=str(rules))
    prefix = cluster.names.prefix
    options = ["--bootstrap", cluster.bootstrap, "--database", str(database), "--prefix", prefix]
    command = [sys.executable, str(EXAMPLE), *options]
    log = tmp_path / "crm.log"
    cluster.start_worker()

    def pay(first: int, behind: int) -> list[Any]:
        now = datetime.now(UTC)
        return [("wechat.pay", b"k%d" % n, paid(n, now), []) for n in range(first, behind)]

    crm = commands.start(command, commands.others(), log)
    try:
        await cluster.publish(pay(0, MANY // 2))
        await cluster.until(
            lambda: stored(database, "SELECT 1 FROM enrolments WHERE sent"),
            120,
            "the sample enrols nobody",
        )
    finally:
        crm.kill()  # while it has more to do
        crm.wait()
    await cluster.publish(pay(MANY // 2, MANY))
    await cluster.settled()
    told = await cluster.read_channel(Channel.OFFERS)
    await again(cluster, told)
    with sqlite3.connect(database) as db:  # Kafka has it, and the sample does not know
        db.execute("UPDATE enrolments SET sent = 0")

    with commands.running(command, commands.others(), log):
        await cluster.until(
            lambda: len(stored(database, "SELECT 1 FROM credits")) == MANY,
            120,
            "not everybody is credited\n" + log.read_text("utf-8"),
        )
        await cluster.settled()

        wanted = Counter({PERSON.format(n): POINTS for n in range(MANY)})
        query = "SELECT consumer_id, sum(points) FROM credits JOIN members ON member_id = "
        query += "printf('M-%08d', number) GROUP BY consumer_id"
        assert Counter(dict(stored(database, query))) == wanted
        await cluster.until(
            lambda: not stored(database, "SELECT 1 FROM offers"), 60, "an accepted offer is kept"
        )
        enrolments = await cluster.read(prefix + "crm.enrolments")
        assert len({r.id for r in enrolments}) == MANY < len(enrolments)
        assert len({(r.id, r.value, r.headers["ce_time"]) for r in enrolments}) == MANY
        assert await cluster.dead_letters() == []

        records = await cluster.read_channel(Channel.OFFERS)
        payout = next(r for r in records if r.headers["ce_type"] == b"payout.issued.v1")
        await cluster.erase([payout])
        await cluster.until(
            lambda: len(stored(database, "SELECT 1 FROM credits")) == MANY - 1,
            60,
            "a tombstone forgets nothing",
        )
        assert orjson.loads(payout.value or b"")["points"] == POINTS
    ids = {r.id for r in records}
    assert {id_ for (id_,) in stored(database, "SELECT id FROM taken")} == ids
