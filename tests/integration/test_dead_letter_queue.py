# SPDX-License-Identifier: Apache-2.0
"""Dead letters listed, shown and replayed by command, on a real broker and a real Redis."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import yaml
from aiokafka import AIOKafkaProducer

import stream.brand.directory
from schemas import dead_letter
from stream.brand.directory import load_apps
from stream.demo.wire import SourceRecord
from stream.kafka.dead_letter_reader import RECEIPT
from stream.kafka.dead_letter_replay import REPLAY_OF
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.integration.cluster import Cluster, Read, Source
from tests.integration.test_day import now_ms, sample_day, sources
from tests.integration.test_poison import BAD, payment
from tests.support.snapshot import snapshot

pytestmark = pytest.mark.integration

BOOK = load_rules(None)
MISSING = "wx9f8e7d6c5b4a3b02"  # FIT's mini-program


def apps_without(path: Path, *missing: str) -> str:
    shipped = Path(stream.brand.directory.__file__).with_name("apps.yaml")
    apps = yaml.safe_load(shipped.read_text("utf-8"))
    apps["apps"] = [app for app in apps["apps"] if app["appid"] not in missing]
    path.write_text(yaml.safe_dump(apps), "utf-8")
    return str(path)


def quiet_run(records: Sequence[SourceRecord]) -> dict[str, bytes]:
    engine = LocalEngine(BOOK, load_apps(None), partitions=4)
    for record in records:
        engine.publish(record.topic, record.key, record.value, record.headers, now_ms())
    engine.settle()
    return engine.entities()


def unknown(records: list[Read]) -> list[Read]:
    return [r for r in records if r.headers.get(dead_letter.REASON) == b"unknown_app"]


def command(cluster: Cluster, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", *args],
        env=cluster.environment,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.timeout(480)
async def test_a_replay_gives_the_same(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    """An app is missing from the apps file for a day; then it is added, and the day is whole."""
    # One record in five, but which come first is chance: a flood is not the subject here.
    before = apps_without(tmp_path / "before.yaml", MISSING)
    cluster = new_cluster(APPS=before, DEAD_LETTER_SHARE_MAX="1")
    day = sample_day(4_000)
    never_listed = day.expectation.bad["unknown_app"]
    await cluster.publish(sources(day), Random(5))
    worker = cluster.start_worker()
    await cluster.settled()
    assert cluster.stop_worker(worker) == 0
    dead = await cluster.dead_letters()
    number = len(unknown(dead))
    quiet, as_of = quiet_run(day.records), now_ms()
    assert number > 100 + never_listed
    assert snapshot(await cluster.entities(), BOOK, as_of) != snapshot(quiet, BOOK, as_of)

    cluster.settings["APPS"] = apps_without(tmp_path / "after.yaml")
    chosen = ("dlq", "replay", "--reason", "unknown_app")
    assert cluster.run(*chosen, "--dry-run").startswith(f"{number:,} to replay\n")
    assert await cluster.dead_letters() == dead
    cluster.start_worker()
    assert cluster.run(*chosen, "--yes").startswith(f"{number:,} replayed\n")
    assert cluster.run("verify").endswith("\nno faults\n")  # while the worker is at it
    await cluster.settled()
    assert cluster.run("verify").endswith("\nno faults\n")
    # What failed again is a new letter; all the others have gone back once and for all.
    again = cluster.run(*chosen, "--dry-run").splitlines()
    assert again[0] == f"{never_listed:,} to replay"
    assert again[-1] == f"{number:,} replayed before, left out"
    cluster.stop_workers()

    as_of = now_ms()
    real = snapshot(await cluster.entities(), BOOK, as_of)
    assert real == snapshot(quiet, BOOK, as_of)
    assert real.live
    assert real.payouts


async def dead_ones(cluster: Cluster) -> list[Read]:
    """The five bad records of ``BAD`` as dead letters."""
    records: list[Source] = [("wechat.pay", b"k", value, [("t", b"1")]) for value in BAD.values()]
    records += [("wechat.pay", b"k", payment(), [])] * 2
    worker = cluster.start_worker()
    await cluster.publish(records)
    await cluster.settled()
    assert cluster.stop_worker(worker) == 0
    return await cluster.dead_letters()


async def test_letters_are_listed_and_shown(cluster: Cluster) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    dead = await dead_ones(cluster)

    header, *rows = cluster.run("dlq", "list").splitlines()
    assert header.split() == ["PLACE", "ORIGINAL", "REASON", "TIME", "BYTES", "MESSAGE"]
    assert [row.split()[:3] for row in rows] == [
        [
            f"{r.topic}-{r.partition}@{r.offset}",
            f"{cluster.names.prefix}wechat.pay-{r.partition}@{int(r.headers[dead_letter.OFFSET])}",
            r.headers[dead_letter.REASON].decode(),
        ]
        for r in dead
    ]
    assert "dreamt" not in "".join(rows)  # nothing of a payload

    def reasons(*selection: str) -> list[str]:
        listed = command(cluster, "dlq", "list", *selection)
        assert listed.returncode == 0, listed.stderr
        return [line.split()[2] for line in listed.stdout.decode().splitlines()[1:]]

    both = ["too_large", "invalid_data"]
    assert reasons("--reason", both[0], "--reason", both[1]) == both
    assert reasons("--topic", "wechat.pay", "--limit", "2") == list(BAD)[:2]
    assert reasons("--topic", "event.check-in") == []
    third = dead[2]
    at = ("--partition", str(third.partition), "--offset", str(third.offset))
    assert reasons(*at) == ["unknown_type"]
    assert reasons("--since", before.isoformat()) == list(BAD)
    assert reasons("--until", before.isoformat()) == []
    assert reasons("--since", (before + timedelta(hours=1)).isoformat()) == []

    place = f"{third.partition}@{third.offset}"
    shown = command(cluster, "dlq", "show", place)
    assert f"__connect.errors.exception.class.name: {'unknown_type'}" in shown.stdout.decode()
    assert b"dreamt" not in shown.stdout
    assert shown.stdout.count(b"  t: 1") == 1
    payload = command(cluster, "dlq", "show", place, "--payload")
    assert payload.stdout == BAD["unknown_type"]
    nowhere = command(cluster, "dlq", "show", f"{third.partition}@999")
    assert (nowhere.returncode, nowhere.stdout) == (1, b"")
    assert b"There is no dead letter" in nowhere.stderr


async def test_a_replayed_record_is_the_original_and_asks_first(cluster: Cluster) -> None:
    dead = await dead_ones(cluster)
    topic = cluster.names.prefix + "wechat.pay"
    sent = await cluster.read(topic)

    assert command(cluster, "dlq", "replay", stdin=b"n\n").returncode == 1
    assert await cluster.read(topic) == sent
    asked = command(cluster, "dlq", "replay", "--limit", "3", stdin=b"y\n")
    assert asked.returncode == 0, asked.stderr
    assert b"Replay 3 dead letters? [y/N]: " in asked.stdout

    again = (await cluster.read(topic))[len(sent) :]
    expected = [(b"k", r.value, r.partition) for r in dead[:3]]
    assert [(r.key, r.value, r.partition) for r in again] == expected
    for record, letter in zip(again, dead, strict=False):
        place = f"{letter.topic}-{letter.partition}@{letter.offset}"
        assert record.headers == {"t": b"1", REPLAY_OF: place.encode()}
    empty, receipt = [r for r in await cluster.dead_letters() if RECEIPT in r.headers]
    assert empty.value == b""  # only to see that the user may
    assert receipt.value == f"{dead[0].offset}-{dead[2].offset}".encode()
    assert cluster.run("dlq", "list").count(" replayed ") == 3
    rest = cluster.run("dlq", "replay", "--yes").splitlines()
    assert (rest[0], rest[-1]) == ("2 replayed", "3 replayed before, left out")


async def test_keys_and_values_of_any_kind_come_back_as_they_were(cluster: Cluster) -> None:
    """Also none at all, and whatever a producer's own headers say."""
    topic = cluster.names.prefix + "wechat.pay"
    forged = [(dead_letter.KEY, b"forged"), (dead_letter.NO_VALUE, b""), ("t", b"1")]
    sent = [(None, b"{", forged), (b"", b"", []), (b"\xff", None, []), (b"k", None, forged)]
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap)
    await producer.start()
    for key, value, headers in sent:
        await producer.send_and_wait(topic, value, key, partition=1, headers=headers)
    await producer.stop()
    worker = cluster.start_worker()
    await cluster.settled()
    assert cluster.stop_worker(worker) == 0
    letters = await cluster.dead_letters()
    assert [letter.value for letter in letters] == [value or b"" for _, value, _ in sent]
    await cluster.erase([Read(cluster.names.dead_letters, 1, 0, b"some letter", None, {})])

    assert len(cluster.run("dlq", "list").splitlines()) == 1 + len(sent)
    shown = cluster.run("dlq", "show", "1@2").splitlines()
    assert "key:       1 bytes" in shown
    assert "value:     none" in shown
    assert "shadowpoints.key" not in "".join(shown)
    assert command(cluster, "dlq", "show", f"1@{len(sent)}").returncode == 1  # the tombstone
    assert cluster.run("dlq", "replay", "--yes").startswith(f"{len(sent)} replayed\n")

    again = (await cluster.read(topic))[len(sent) :]
    assert [(r.key, r.value, r.partition) for r in again] == [(k, v, 1) for k, v, _ in sent]
    assert [r.headers.get("t") for r in again] == [b"1", None, None, b"1"]
    assert all(not r.headers.keys() & {dead_letter.KEY, dead_letter.NO_VALUE} for r in again)


async def test_letters_which_no_worker_wrote_are_listed_but_not_replayed(cluster: Cluster) -> None:
    offers = cluster.names.prefix + "shadow.offers"
    where = {dead_letter.TOPIC: offers, dead_letter.PARTITION: "0", dead_letter.OFFSET: "0"}
    forged = [(n, v.encode()) for n, v in where.items()]
    await cluster.publish(
        [
            ("shadow.dead-letters", b"k", b"\x1b[2J", [("h", b"\x1b[2J")]),
            ("shadow.dead-letters", b"k", b"{}", [*forged, (dead_letter.REASON, b"internal")]),
            # A receipt by a producer: its record became a dead letter, with its headers.
            ("shadow.dead-letters", b"k", b"0-9", [(RECEIPT, b"replayed"), *forged[:1]]),
        ]
    )

    listed = cluster.run("dlq", "list")
    assert [line.split()[1] for line in listed.splitlines()[1:]][:2] == ["?", f"{offers}-0@0"]
    done = cluster.run("dlq", "replay", "--yes").splitlines()
    assert done == ["0 replayed", "2 not replayed by this command, left out"]
    (partition,) = {r.partition for r in await cluster.dead_letters()}
    shown = command(cluster, "dlq", "show", f"{partition}@0")
    assert b"\x1b" not in shown.stdout
    assert await cluster.read(offers) == []


def test_a_broker_which_is_away_is_reported_in_a_sentence(cluster: Cluster) -> None:
    cluster.bootstrap = "127.0.0.1:9"
    started = time.monotonic()
    done = command(cluster, "dlq", "list")
    assert done.returncode == 1
    assert b"Kafka at 127.0.0.1:9 cannot be asked" in done.stderr
    assert time.monotonic() - started < 30
