# SPDX-License-Identifier: Apache-2.0
"""P9: a bad record costs one dead letter, with its bytes, and nothing else."""

from __future__ import annotations

import orjson
import pytest

from schemas import dead_letter
from tests.integration.cluster import Cluster, Source
from tests.integration.test_first_offer import PAYMENT, envelope

pytestmark = pytest.mark.integration


def payment(**changes: object) -> bytes:
    data = {**PAYMENT, "transaction_id": "4200000000202611220000000099", **changes}
    return orjson.dumps(envelope("payment.succeeded.v1", data))


BAD = {
    "malformed_json": b'{"specversion": "1.0", "id": ',
    "too_large": orjson.dumps("x" * 1_000_000),
    "unknown_type": orjson.dumps(envelope("payment.dreamt.v1", PAYMENT)),
    "invalid_data": payment(amount={"total": -4800, "payer_total": 100}),
    "invalid_envelope": orjson.dumps(
        {**envelope("payment.succeeded.v1", PAYMENT), "time": "2026-11-20T08:00:00"}
    ),
}


async def test_each_bad_record_costs_one_dead_letter(cluster: Cluster) -> None:
    good = payment()
    records: list[Source] = [("wechat.pay", b"k", good, [])]
    records += [("wechat.pay", b"k", value, [("trace", b"t-1")]) for value in BAD.values()]
    records += [("wechat.pay", b"k", payment(transaction_id="4200000000202611220000000098"), [])]
    cluster.start_worker()
    await cluster.publish(records)
    await cluster.settled()

    dead = await cluster.dead_letters()
    assert {r.headers[dead_letter.REASON].decode(): r.value for r in dead} == BAD
    assert len(dead) == len(BAD)
    for letter in dead:
        assert letter.headers[dead_letter.KEY] == b"k"
        assert letter.headers["trace"] == b"t-1"
        assert letter.headers[dead_letter.TOPIC].decode() == cluster.names.prefix + "wechat.pay"
        assert 1 <= int(letter.headers[dead_letter.OFFSET]) <= len(BAD)
        place = (letter.headers[name] for name in (dead_letter.PARTITION, dead_letter.OFFSET))
        at = b"@".join(place)
        assert letter.key == f"{cluster.names.prefix}wechat.pay-".encode() + at
        assert b"4800" not in letter.headers[dead_letter.MESSAGE]
    # the two good ones, around the bad, wait for consent as they should
    assert cluster.counts() == {"parked": 2}
