# SPDX-License-Identifier: Apache-2.0
"""A small CRM: it reads shadow.offers, signs up whom an offer is for, and credits what is paid out.

    python crm_consumer.py --bootstrap localhost:9092 --database crm.sqlite3 [--prefix PREFIX]

It needs aiokafka and the standard library. One process at a time has the database.

What is made of a record, its id and the offset to go on from are one transaction of the database.
So a crash loses no record and none counts twice, and a record that comes again is known by its id.
An enrolment waits in the database until Kafka has it. A crash may send it again: with the same id
and the same bytes, so it counts once. The sign-up itself is a sample: here everybody takes the
first offer. Yours comes from a form, and goes the same way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

OFFERS, ENROLMENTS = "shadow.offers", "crm.enrolments"
TABLES = """
CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, next INTEGER);
CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS offers
    (offer_id TEXT PRIMARY KEY, event_id TEXT, revision INTEGER, points INTEGER, text TEXT);
CREATE TABLE IF NOT EXISTS members (number INTEGER PRIMARY KEY, consumer_id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS enrolments
    (id TEXT PRIMARY KEY, time TEXT, consumer_id TEXT, data TEXT, sent INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS credits (event_id TEXT PRIMARY KEY, member_id TEXT, points INTEGER);
"""


class Crm:
    """What the CRM knows, in a file."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(TABLES)

    def close(self) -> None:
        self._db.close()

    def next_offset(self, partition: int) -> int:
        """Where to go on in a partition."""
        found = self._db.execute("SELECT next FROM offsets WHERE partition = ?", (partition,))
        return int((found.fetchone() or (0,))[0])

    def take(self, record: Any) -> None:
        """Do what the record says, unless that was done, and go on behind it: all or nothing."""
        with self._db:  # one transaction
            headers = {name: value.decode() for name, value in record.headers}
            if record.value is None:  # a tombstone
                self._forget(record.key.decode())
            elif self._is_new(headers["ce_id"]):
                self._apply(headers["ce_type"], headers["ce_id"], json.loads(record.value))
            place = record.partition, record.offset + 1
            self._db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?)", place)

    def _is_new(self, id_: str) -> bool:
        return self._db.execute("INSERT OR IGNORE INTO taken VALUES (?)", (id_,)).rowcount == 1

    def _apply(self, type_: str, id_: str, data: dict[str, Any]) -> None:
        if type_ in ("offer.issued.v1", "offer.revised.v1"):
            offer = data["offer_id"], id_, data["revision"], data["points"], data["text"]["zh-CN"]
            self._db.execute("INSERT OR REPLACE INTO offers VALUES (?, ?, ?, ?, ?)", offer)
            self._sign_up(data["consumer_id"], data["offer_id"])
        elif type_ in ("offer.withdrawn.v1", "offer.lapsed.v1", "offer.accepted.v1"):
            self._db.execute("DELETE FROM offers WHERE offer_id = ?", (data["offer_id"],))
        elif type_ in ("payout.issued.v1", "payout.corrected.v1"):  # a correction is negative
            credit = id_, data["member_id"], data["points"]
            self._db.execute("INSERT INTO credits VALUES (?, ?, ?)", credit)
        # a topic may get new types: pass over those you do not know

    def _sign_up(self, consumer_id: str, offer_id: str) -> None:
        new = self._db.execute(
            "INSERT OR IGNORE INTO members (consumer_id) VALUES (?)", (consumer_id,)
        )
        if new.rowcount == 0:
            return
        data = {
            "consumer_id": consumer_id,
            "member_id": f"M-{new.lastrowid:08}",
            "offer_id": offer_id,
        }
        enrolment = f"enrol-{offer_id}", datetime.now(UTC).isoformat(), consumer_id
        self._db.execute(
            "INSERT INTO enrolments (id, time, consumer_id, data) VALUES (?, ?, ?, ?)",
            (*enrolment, json.dumps(data)),
        )

    def _forget(self, event_id: str) -> None:
        """Delete what came with the event; its person was erased."""
        self._db.execute("DELETE FROM offers WHERE event_id = ?", (event_id,))
        self._db.execute("DELETE FROM credits WHERE event_id = ?", (event_id,))

    def unsent(self) -> list[tuple[str, str, str, str]]:
        """Id, time, consumer and data of the enrolments that Kafka may not have."""
        wanted = "SELECT id, time, consumer_id, data FROM enrolments WHERE NOT sent ORDER BY rowid"
        return self._db.execute(wanted).fetchall()

    def sent(self, id_: str) -> None:
        """Kafka has this enrolment."""
        with self._db:
            self._db.execute("UPDATE enrolments SET sent = 1 WHERE id = ?", (id_,))


async def send(crm: Crm, producer: AIOKafkaProducer, topic: str) -> None:
    """Publish the enrolments that wait, in binary mode."""
    for id_, time, consumer_id, data in crm.unsent():
        headers = {
            "ce_specversion": "1.0",
            "ce_id": id_,
            "ce_source": "urn:example:crm",
            "ce_type": "member.enrolled.v1",
            "ce_time": time,
            "content-type": "application/json",
        }
        await producer.send_and_wait(
            topic,
            data.encode(),
            key=consumer_id.encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
        crm.sent(id_)


async def run(bootstrap: str, database: str, prefix: str) -> None:
    """Read and answer until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    crm = Crm(database)
    consumer = AIOKafkaConsumer(  # without a group: the offsets are in the database
        prefix + OFFERS,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        await consumer.start()
        await producer.start()
        for place in consumer.assignment():
            consumer.seek(place, crm.next_offset(place.partition))
        while not stop.is_set():
            await send(crm, producer, prefix + ENROLMENTS)
            for records in (await consumer.getmany(timeout_ms=500, max_records=100)).values():
                for record in records:
                    crm.take(record)
    finally:
        await consumer.stop()
        await producer.stop()
        crm.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--database", default="crm.sqlite3")
    parser.add_argument("--prefix", default="", help="of the topics, if they have one")
    options = parser.parse_args()
    asyncio.run(run(options.bootstrap, options.database, options.prefix))
