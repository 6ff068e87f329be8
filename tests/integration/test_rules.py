# SPDX-License-Identifier: Apache-2.0
"""Rules become known through the log: at the first start, by `rules publish`, in a rebuild."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.addressing.partitioning import entity_partition
from stream.engine.model.decision import Channel
from stream.engine.model.facts import Fact
from stream.engine.model.messages import FactReceived, Message, encode
from stream.engine.model.ruling import RULES_NOTE, read_rules
from stream.engine.model.touchpoints import Touchpoint
from stream.tables.redis import RedisTables
from tests.integration.cluster import Cluster, Read
from tests.integration.test_day import now_ms, once
from tests.support.commands import SHADOWPOINTS, run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SHIPPED = resources.files("stream.rules").joinpath("default.yaml").read_text("utf-8")
SHANGHAI_H = 8
MINUTE_MS = 60_000
MEI = "union.abc-brand.uMei0000000000000000000000001"


def a_day(days: int) -> str:
    """A day so many days from today, in Shanghai."""
    return str((datetime.now(UTC) + timedelta(hours=SHANGHAI_H, days=days)).date())


def at(time_ms: int) -> str:
    """An instant, to the minute."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).isoformat()[:16] + "Z"


def with_third(effective: str, points_per_yuan: int = 40) -> str:
    """The shipped rules and one version more."""
    return f"""{SHIPPED}
  - version: 3
    effective: {effective}
    consent: opt_out
    earn: [{{id: till_purchase, touchpoint: purchase, points_per_yuan: {points_per_yuan}}}]
"""


EDITED = SHIPPED.replace("points_per_yuan: 10", "points_per_yuan: 40", 1)
REMOVED = SHIPPED[: SHIPPED.index("  - version: 2")]


@pytest.fixture
def file(cluster: Cluster, tmp_path: Path) -> Path:
    """The rule file of the cluster's workers."""
    path = tmp_path / "rules.yaml"
    path.write_text(SHIPPED, "utf-8")
    cluster.settings["RULES"] = str(path)
    return path


def refused(cluster: Cluster, *command: str) -> list[str]:
    """What a command says that fails, but for warnings that the third version lacks rules."""
    done = run([*SHADOWPOINTS, *command], cluster.environment)
    assert done.returncode == 1, done.stdout + done.stderr
    return [line for line in done.stderr.splitlines() if "versions[2]" not in line]


def written(tmp_path: Path, rules: str) -> str:
    path = tmp_path / "new-rules.yaml"
    path.write_text(rules, "utf-8")
    return str(path)


async def versions(cluster: Cluster) -> list[list[int]]:
    """By which versions each partition decides."""
    tables = RedisTables(cluster.redis_url, cluster.namespace, cluster.partitions)
    try:
        notes = await tables.notes(range(cluster.partitions), RULES_NOTE)
    finally:
        await tables.close()
    return [[v.version for v in read_rules(note).book.versions] for note in notes.values()]


async def begun(cluster: Cluster) -> None:
    """A worker has started, and taken in all there is."""

    async def all_have_rules() -> bool:
        return len(await versions(cluster)) == cluster.partitions

    cluster.start_worker()
    await cluster.until(all_have_rules, 60, "no rules come in")
    await cluster.settled()


def give(cluster: Cluster, file: Path, rules: str | None) -> None:
    """From now on workers have this file, or none."""
    if rules is None:
        file.unlink()
        del cluster.settings["RULES"]
    else:
        file.write_text(rules, "utf-8")
        cluster.settings["RULES"] = str(file)


async def append(cluster: Cluster, to: str, messages: list[tuple[Message, int]]) -> None:
    """Say something to an entity in the resolved log, as of some time (ms)."""
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap)
    await producer.start()
    try:
        for number, (message, at_ms) in enumerate(messages):
            partition = entity_partition(to, cluster.partitions)
            key, value = f"{at_ms}-{number}".encode(), encode(to, message)
            topic = cluster.names.resolved
            await producer.send_and_wait(topic, value, key, partition, timestamp_ms=at_ms)
    finally:
        await producer.stop()


def purchase(number: int, time_ms: int) -> FactReceived:
    fields: dict[str, str | int | bool] = {
        "total_fen": 2000,
        "payer_total_fen": 2000,
        "mchid": "1649206183",
    }
    key = f"pay:{number}"
    return FactReceived(
        Fact(key, "payment.succeeded.v1", key, time_ms, Touchpoint.PURCHASE, fields)
    )


def consent(time_ms: int) -> FactReceived:
    return FactReceived(Fact("consent:1", "consent.granted.v1", "consent", time_ms))


async def announced(cluster: Cluster) -> dict[str, dict[str, object]]:
    """The versions on ``shadow.rules``, by number; those taken back are empty."""
    records: list[Read] = await cluster.read(cluster.names.rules)
    return {(r.key or b"").decode(): orjson.loads(r.value or b"{}") for r in records}


async def test_a_version_begins_and_a_rebuild_without_the_file_repeats_every_amount(
    cluster: Cluster, file: Path, tmp_path: Path
) -> None:
    cluster.settings |= {"CHECK_TOPICS": "false"}
    own = {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact"}
    async with cluster.admin() as admin:  # here time goes as the test will have it
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, cluster.names.resolved, own)]
        )
    await begun(cluster)
    now = now_ms()
    await append(cluster, MEI, [(consent(now), now), (purchase(1, now), now)])
    new = written(tmp_path, with_third(at(now + 10 * MINUTE_MS)))
    said = await asyncio.to_thread(cluster.run, "rules", "publish", new)
    assert said == "published, and applied\n"
    assert await versions(cluster) == [[1, 2, 3]] * 4
    later = [now + minutes * MINUTE_MS for minutes in (8, 12)]  # before and after it begins
    await append(cluster, MEI, [(purchase(n, at), at) for n, at in enumerate(later, 2)])
    await cluster.settled()
    cluster.stop_workers()
    channels = (Channel.LEDGER, Channel.OFFERS)
    before = {c: once(await cluster.read_channel(c)) for c in channels}
    state = await cluster.entities()
    rows = [(e["rule"], e["ruleset_version"], e["points"]) for e in before[Channel.LEDGER].values()]
    assert [row for row in rows if row[1] == 3] == [("till_purchase", 3, 800)]
    assert [row for row in rows if row[0] == "till_purchase"][:2] == [("till_purchase", 2, 250)] * 2

    for rules in (None, REMOVED):
        cluster.wipe_redis()
        give(cluster, file, rules)
        await begun(cluster)
        cluster.stop_workers()

        assert {c: once(await cluster.read_channel(c)) for c in channels} == before
        assert await cluster.entities() == state
        assert await versions(cluster) == [[1, 2, 3]] * 4
        cluster.run("verify", "--patience", "0")


async def test_what_has_begun_stays_as_it_is(cluster: Cluster, file: Path, tmp_path: Path) -> None:
    await begun(cluster)
    cluster.stop_workers()
    assert await versions(cluster) == [[1, 2]] * 4

    for rules, said in (
        (EDITED, "version 1 is in force from 2026-01-01T00:00+08:00 and is not as it was"),
        (REMOVED, "version 2 is in force from 2026-07-01T00:00+08:00 and is missing"),
        (with_third(a_day(0)), "version 3 is new and would start at"),
    ):
        (problem,) = refused(cluster, "rules", "publish", written(tmp_path, rules))
        assert problem.startswith(said)
        give(cluster, file, rules)
        if rules is not REMOVED:
            (problem,) = refused(cluster, "worker")
            assert problem.startswith(f"The rules are not those in force: {said}")
    hasty = written(tmp_path, with_third(at(now_ms() + 6 * MINUTE_MS)))
    (problem,) = refused(cluster, "rules", "publish", hasty)  # it may come too late somewhere
    assert problem.startswith("version 3 is new and would start at")
    cluster.settings |= {"RETENTION_DAYS": "900"}
    give(cluster, file, SHIPPED)
    (problem,) = refused(cluster, "worker")
    assert "SHADOWPOINTS_RETENTION_DAYS is 900 and was published as 800" in problem
    assert await versions(cluster) == [[1, 2]] * 4


async def test_before_it_begins_a_version_is_another_or_is_taken_back(
    cluster: Cluster, file: Path, tmp_path: Path
) -> None:
    missing = refused(cluster, "rules", "publish", written(tmp_path, SHIPPED))
    assert missing == ["4 partitions have no rules yet: start the workers, which begin with theirs"]
    await begun(cluster)

    async def publish(rules: str) -> dict[str, dict[str, object]]:
        path = written(tmp_path, rules)
        await asyncio.to_thread(cluster.run, "rules", "publish", path)
        assert "nothing to publish" in await asyncio.to_thread(
            cluster.run, "rules", "publish", path
        )
        return await announced(cluster)

    first = await publish(with_third(a_day(2)))
    other = await publish("# in other words\n" + with_third(a_day(3), 41))
    assert other["3"]["fingerprint"] != first["3"]["fingerprint"]
    assert other["1"] == first["1"]
    assert await versions(cluster) == [[1, 2, 3]] * 4
    gone = await publish(SHIPPED)
    assert [number for number in gone if gone[number]] == ["1", "2"]
    assert await versions(cluster) == [[1, 2]] * 4

    cluster.settings |= {"IDLE_DAYS": "800"}
    assert "applied" in await asyncio.to_thread(cluster.run, "rules", "publish")
    cluster.stop_workers()
    await begun(cluster)


async def test_of_two_first_workers_with_two_files_one_begins(cluster: Cluster, file: Path) -> None:
    first = cluster.start_worker()
    give(cluster, file, EDITED)
    second = cluster.start_worker()
    await cluster.until(
        lambda: (
            any(worker.poll() is not None for worker in (first, second))
            or all(applied >= 0 for applied in cluster.applied())
        ),
        60,
        "nobody begins",
    )
    await cluster.settled()

    assert await versions(cluster) == [[1, 2]] * 4
    for worker in (first, second):
        if worker.poll() is not None:
            assert "version 1 is in force" in cluster.log_tails()
