# SPDX-License-Identifier: Apache-2.0
"""What the engine says stays within its topics and its own contracts, however much there is."""

from __future__ import annotations

import orjson

from schemas import CONTRACTS
from stream.addressing.topics import OUTPUT_BYTES_MAX
from stream.brand.directory import load_apps
from stream.kafka.encode import bytes_of
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.worker.events import DAY_MS, consent, envelope, payment

NOW_MS = 1_784_000_000_000
PEOPLE = 150


def test_a_union_id_which_is_a_constant_of_many_does_not_outgrow_its_offer() -> None:
    """A server which fills ``unionid`` with one value for everybody, with the longest openids."""
    local = LocalEngine(load_rules(), load_apps())
    local.clock_ms = NOW_MS
    events = [consent(0, NOW_MS - 9 * DAY_MS)]
    for n, openid in enumerate([f"oTest{n:023d}" for n in range(PEOPLE)]):
        wide = openid + "x" * 100 if n else openid
        data = {"appid": "wx1a2b3c4d5e6f7a02", "openid": wide, "unionid": "uTheSameForAll"}
        login = envelope(f"l{n}", "session.logged_in.v1", NOW_MS - 8 * DAY_MS + n, data)
        events.append(("wechat.mini-program", login))
    events += [payment(0, n, NOW_MS - n * DAY_MS, 5000) for n in (3, 2, 1)]
    for topic, value in events:
        local.publish(topic, value[-24:], value)
    local.settle()

    said = [r for topic, records in local.outputs.items() for r in records if "shadow." in topic]
    assert local.dead_letters == []
    for record in said:
        assert bytes_of(record) < OUTPUT_BYTES_MAX // 50
        CONTRACTS[dict(record.headers)["ce_type"].decode()].adapter.validate_python(
            orjson.loads(record.value or b"")
        )
    offers = [orjson.loads(record.value or b"") for record in local.outputs["shadow.offers"]]
    last = [offer for offer in offers if "origins" in offer][-1]
    assert last["consumer_id"].endswith(".uTheSameForAll")
    assert len(last["origins"]) == 20
    assert {"appid": "wx1a2b3c4d5e6f7a02", "openid": "oTest" + "0" * 23} in last["origins"]
