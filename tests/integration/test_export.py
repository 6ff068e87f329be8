# SPDX-License-Identifier: Apache-2.0
"""People's data, by command and by event; requests are answered by a process of their own."""

from __future__ import annotations

import asyncio
import re
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas import CONTRACTS, decode
from schemas.exports import CONSUMER_EXPORTED, ConsumerExported
from stream.commands.health_client import ask
from stream.engine.model.ids import digest
from tests.integration.cluster import Cluster, Read, Source
from tests.integration.test_first_offer import (
    BEFORE,
    ENROLMENT,
    MEI,
    MEI_MP,
    MEI_OA,
    MINI_PROGRAM,
    OA,
    PAYMENT,
    REGISTRATION,
    envelope,
)
from tests.services.process import free_ports
from tests.support.commands import SHADOWPOINTS, running

pytestmark = pytest.mark.integration

MEI_UNION = f"union.abc-brand.{MEI}"
TRANSACTION = str(PAYMENT["transaction_id"])


def source(topic: str, event: dict[str, Any]) -> Source:
    return topic, None, orjson.dumps(event), []


def request(kind: str, id_: str, **who: str) -> Source:
    return source("privacy.requests", envelope(kind, who) | {"id": id_})


def privacy(cluster: Cluster, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The process which answers requests; it must end in order."""
    return running([*SHADOWPOINTS, "privacy"], cluster.environment, log)


async def answers(cluster: Cluster, number: int, log: Path) -> list[Read]:
    found: list[Read] = []
    for _ in range(200):
        found = await cluster.read(cluster.names.exports)
        if len(found) >= number:
            return found
        await asyncio.sleep(0.2)
    pytest.fail(f"only {len(found)} answers\n{said_in(log)}", pytrace=False)


def said_in(log: Path) -> str:
    return log.read_text("utf-8")


def by_command(cluster: Cluster, *who: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(cluster.run("export", *who))
    return document


async def test_a_persons_data_by_command_and_by_event(cluster: Cluster, tmp_path: Path) -> None:
    log, (port,) = tmp_path / "privacy.log", free_ports(1)
    cluster.start_worker()
    cluster.settings["WEB_PORT"] = str(port)
    payment = envelope("payment.succeeded.v1", PAYMENT)
    before = [*BEFORE.items(), ("wechat.pay", payment), ("event.check-in", REGISTRATION)]
    await cluster.publish([source(topic, event) for topic, event in before])
    await cluster.settled()
    await cluster.publish([source("crm.enrolments", ENROLMENT)])
    await cluster.settled()

    document = by_command(cluster, MEI_UNION)
    CONTRACTS[CONSUMER_EXPORTED].adapter.validate_python(document)
    origins = {(o["appid"], o["openid"]) for o in document["origins"]}
    assert origins == {(OA, MEI_OA), (MINI_PROGRAM, MEI_MP)}
    account = document["account"]
    assert {t["touchpoint"] for t in account["touches"]} == {
        "login", "check_in", "scan", "purchase", "registration"
    }  # fmt: skip
    assert [(p["member_id"], p["points"]) for p in account["payouts"]] == [("m-1", 1225)]
    assert [p["transaction_id"] for p in document["payments"]] == [TRANSACTION]
    told = [e["type"] for e in document["offers"]]
    assert [type_ for type_ in told if not type_.startswith("consent.")] == [
        "offer.issued.v1", "payout.issued.v1", "offer.accepted.v1"
    ]  # fmt: skip
    # Which openid was invited first, and whether both were, depends on which topic is read first.
    assert {*told} >= {"consent.invited.v1", "consent.invitation_closed.v1"}
    assert {e["type"] for e in document["identity"]} == {"origin.bound.v1"}
    own = [e["data"]["points"] for e in document["ledger"] if e["subject"] == MEI_UNION]
    assert sum(own) == 0 == account["balance"]

    file = tmp_path / "mei.json"
    cluster.run("export", "--origin", MINI_PROGRAM, MEI_MP, "--output", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert timeless(orjson.loads(file.read_bytes())) == timeless(document)

    await cluster.publish(
        [
            request("export.requested.v1", "r-1", unionid=MEI, open_account="abc-brand"),
            request("export.requested.v1", "r-2", transaction_id=TRANSACTION),
            request("export.requested.v1", "r-3", appid="wx0000000000000000", openid=MEI_MP),
            request("export.requested.v1", "r-4", transaction_id="4200000000000000000000000000"),
            ("privacy.requests", None, b"{", []),
        ]
    )
    with privacy(cluster, log):
        found = await answers(cluster, 2, log)
        assert await asyncio.to_thread(ask, port) is None
    documents = {r.id: exported(r) for r in found}
    assert {d.request for d in documents.values()} == {"r-1", "r-2"}
    assert [timeless(orjson.loads(r.value or b"")) for r in found] == [timeless(document)] * 2
    assert {r.headers["ce_subject"].decode() for r in found} == {MEI_UNION}
    assert {r.key for r in found} == {r.id.encode() for r in found}
    said = said_in(log)
    assert re.search(r"Request \d+@\d+ names an unknown payment", said)
    assert "r-4" not in said  # whoever asks may put anything into an id
    assert [text for text in (MEI, MEI_MP, MEI_OA, TRANSACTION) if text in said] == []

    mei = {"appid": OA, "openid": MEI_OA}
    await cluster.publish([request("export.requested.v1", "r-5", **mei)])
    with privacy(cluster, log):
        last = [exported(r) for r in await answers(cluster, 3, log)]
        assert sorted(d.request or "" for d in last) == ["r-1", "r-2", "r-5"]
        await cluster.publish([request("erase.requested.v1", "r-6", **mei)])
        erased = {r.key for r in await answers(cluster, 6, log) if r.value is None}
    assert erased == {r.id.encode() for r in found} | {
        digest(CONSUMER_EXPORTED, "urn:example:till", "r-5", MEI_UNION).encode()
    }
    with pytest.raises(AssertionError, match="Nothing is known about this consumer"):
        cluster.run("export", MEI_UNION)


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    """Without what differs between two exports of the same data."""
    return {n: v for n, v in document.items() if n not in ("as_of", "request")} | {
        # a request is one more input record
        "account": {n: v for n, v in document["account"].items() if n != "records"}
    }


def exported(record: Read) -> ConsumerExported:
    event = decode(record.value, list(record.headers.items()), "shadow.exports")
    assert isinstance(event.data, ConsumerExported)
    return event.data
