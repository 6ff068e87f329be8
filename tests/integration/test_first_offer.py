# SPDX-License-Identifier: Apache-2.0
"""Producers and consumers which are not ours: kcat and Kafka's own console producer."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from typing import Any

import orjson
import pytest

from schemas import format_time, time_from_ms
from tests.conftest import unavailable
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer, console_producer
from tests.support import payloads

pytestmark = pytest.mark.integration

OA, MINI_PROGRAM = "wx1a2b3c4d5e6f7a01", "wx1a2b3c4d5e6f7a02"
MEI_OA, MEI_MP, MEI = "oOfficialMei00000000000000_1", "oMiniProgramMei0000000000-1", "uMei0001"
NOW = format_time(time_from_ms(int(time.time() * 1000) - 60_000))


def envelope(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """A plain JSON event, as anybody would write it."""
    return payloads.document(type_, f"{type_}-1", NOW, data, "urn:example:till")


def kcat(*arguments: str, value: bytes = b"") -> bytes:
    program = shutil.which("kcat")
    if program is None:
        unavailable("kcat is not installed")
    done = subprocess.run(
        [program, *arguments], input=value, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


PEOPLE = {"unionid": MEI, "open_account": "abc-brand"}
BEFORE = {
    "privacy.requests": envelope(
        "consent.granted.v1",
        {"appid": OA, "openid": MEI_OA, **PEOPLE, "text_version": "v1", "channel": "oa"},
    ),
    "wechat.mini-program": envelope(
        "session.logged_in.v1", {"appid": MINI_PROGRAM, "openid": MEI_MP, "unionid": MEI}
    ),
    "event.check-in": envelope(
        "attendee.checked_in.v1",
        {"event_id": "tasting", "list_id": "door", "ticket_id": "t-1", **PEOPLE},
    ),
    "wechat.official-account": envelope(
        "qrcode.scanned.v1", {"appid": OA, "openid": MEI_OA, "event_key": "tasting_7"}
    ),
}
PAYMENT = payloads.payment(
    NOW, "4200000000202611220000000001", MEI_MP, 4800, appid=MINI_PROGRAM, trade="order-000001"
)
REGISTRATION = envelope(
    "attendee.registered.v1", {"event_id": "tasting", "ticket_id": "t-1", **PEOPLE}
)
ENROLMENT = envelope("member.enrolled.v1", {"member_id": "m-1", **PEOPLE})


async def test_strangers_publish_and_a_crm_reads_the_offer(
    cluster: Cluster, kafka_server: KafkaServer
) -> None:
    """5 for the login, 120 and 200 for a first check-in, 50 for the scan; the payment completes it.

    4,800 fen are 600 points, the first purchase is 200 more, the registration afterwards 50.
    """
    cluster.start_worker()
    prefix = cluster.names.prefix
    for topic, event in BEFORE.items():
        line = orjson.dumps(event) + b"\n"
        await asyncio.to_thread(
            kafka_server.java,
            console_producer(),
            "--bootstrap-server",
            cluster.bootstrap,
            "--topic",
            prefix + topic,
            stdin=line.decode(),
        )
        await cluster.settled()  # the consent first: topics have no order among them
    assert cluster.counts() == {"applied": 4}

    binary = ["-H", "ce_specversion=1.0", "-H", "ce_id=pay-1", "-H", "ce_source=urn:example:till"]
    binary += ["-H", "ce_type=payment.succeeded.v1", "-H", f"ce_time={NOW}"]
    pay = ["-b", cluster.bootstrap, "-t", f"{prefix}wechat.pay", "-k", "order-000001"]
    kcat("-P", *pay, *binary, value=orjson.dumps(PAYMENT))
    await cluster.settled()
    assert crm_reads(cluster) == []  # 1,175 points are below the threshold

    registrations = ["-b", cluster.bootstrap, "-t", f"{prefix}event.check-in"]
    kcat("-P", *registrations, value=orjson.dumps(REGISTRATION))
    await cluster.settled()

    [offer] = crm_reads(cluster)
    assert offer["points"] == 5 + 120 + 200 + 50 + 600 + 200 + 50
    assert offer["consumer_id"] == f"union.abc-brand.{MEI}"
    origins = {(o["appid"], o["openid"]) for o in offer["origins"]}
    assert origins == {(OA, MEI_OA), (MINI_PROGRAM, MEI_MP)}
    assert {r["touchpoint"]: r["count"] for r in offer["reasons"]} == {
        "purchase": 1,
        "login": 1,
        "check_in": 1,
        "scan": 1,
        "registration": 1,
    }
    assert offer["text"]["en"].startswith("Sign up now for 1,225 points")

    enrolments = ["-b", cluster.bootstrap, "-t", f"{prefix}crm.enrolments"]
    kcat("-P", *enrolments, value=orjson.dumps(ENROLMENT))
    await cluster.settled()
    _, *rest = crm_reads(cluster)
    assert [(o.get("member_id"), o["points"]) for o in rest] == [("m-1", 1225), ("m-1", 1225)]


def crm_reads(cluster: Cluster) -> list[Any]:
    offers = cluster.names.prefix + "shadow.offers"
    lines = kcat("-C", "-b", cluster.bootstrap, "-t", offers, "-o", "beginning", "-e", "-q")
    return [orjson.loads(line) for line in lines.splitlines()]
