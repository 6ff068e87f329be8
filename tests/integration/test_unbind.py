# SPDX-License-Identifier: Apache-2.0
"""A wrong bind is undone by command: the origin's points go back exactly, offers are revised."""

from __future__ import annotations

import orjson
import pytest

from stream.rules.loader import load_rules
from tests.integration.cluster import Cluster, Source
from tests.integration.test_day import now_ms
from tests.integration.test_first_offer import BEFORE, MEI, MEI_MP, MINI_PROGRAM, PAYMENT, envelope
from tests.support.snapshot import snapshot

pytestmark = pytest.mark.integration

ORIGIN, MEI_UNION = f"origin.{MINI_PROGRAM}.{MEI_MP}", f"union.abc-brand.{MEI}"


async def test_an_unbind_by_command(cluster: Cluster) -> None:
    events: list[Source] = [(t, None, orjson.dumps(e), []) for t, e in BEFORE.items()]
    events.append(("wechat.pay", None, orjson.dumps(envelope("payment.succeeded.v1", PAYMENT)), []))
    cluster.start_worker()
    await cluster.publish(events)
    await cluster.settled()
    bound = snapshot(await cluster.entities(), load_rules(), now_ms())
    assert bound.balances == {MEI_UNION: 5 + 120 + 200 + 50 + 600 + 200}

    command = ("unbind", MINI_PROGRAM, MEI_MP, MEI_UNION)
    assert "privacy.requests" in cluster.run(*command, "--yes")
    await cluster.settled()
    apart = snapshot(await cluster.entities(), load_rules(), now_ms())
    assert ORIGIN not in apart.binds
    # the consent came by another origin of hers: without it the payment waits again
    assert apart.balances == {MEI_UNION: 120 + 200 + 50}

    cluster.run(*command, "--yes")
    await cluster.settled()
    assert cluster.counts()["duplicate"] == 1
