# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas import CONTRACTS, time_from_ms
from stream.engine.model.state import Account
from stream.gateway import account_lookup as module
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable
from stream.tables import MemoryTables, TablesUnavailable
from stream.wechat.delivery_result import OutboundEvent
from tests.gateway.endpoints.build import APP, MEI, NOW_MS
from tests.gateway.engine import Engine


def said(type_: str, data: dict[str, Any], at_ms: int = NOW_MS) -> OutboundEvent:
    contract = CONTRACTS[type_]
    return OutboundEvent(
        contract.topics[0], type_, f"{type_}-{at_ms}", time_from_ms(at_ms), contract.validate(data)
    )


SEEN = said("page.viewed.v1", {"appid": APP, "openid": MEI[1], "path": "p"})
LOGIN = said("session.logged_in.v1", {"appid": APP, "openid": MEI[1], "unionid": "uMei01"})


async def test_an_origin_leads_to_its_own_account_and_then_to_the_profile() -> None:
    engine = Engine()
    assert await engine.accounts.account_of_origin(*MEI) is None

    await engine([SEEN])
    found = await engine.accounts.account_of_origin(*MEI)
    assert found is not None
    assert found[0] == f"origin.{APP}.{MEI[1]}"

    await engine([LOGIN])
    found = await engine.accounts.account_of_origin(*MEI)
    assert found is not None
    assert found[0] == "union.abc-brand.uMei01"
    assert isinstance(found[1], Account)


class Tables(MemoryTables):
    """Tables which cannot be opened at first, or do not answer."""

    def __init__(self, failures: int = 0, silent: bool = False) -> None:
        super().__init__(4)
        self.failures, self.silent, self.closed, self.tries = failures, silent, False, 0

    async def open(self) -> None:
        self.tries += 1
        if self.failures:
            self.failures -= 1
            raise TablesUnavailable("no such place")

    async def load(self, wanted: Any) -> dict[str, bytes]:
        if self.silent:
            await asyncio.sleep(60)
        return await super().load(wanted)

    async def close(self) -> None:
        self.closed = True


async def test_a_redis_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK_TIMEOUT_S", 0.05)
    with pytest.raises(LookupUnavailable):
        await AccountLookup(Tables(silent=True), 4).account_of_origin(*MEI)


async def test_a_redis_that_comes_later_is_found(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_OPEN_PAUSE_S", 0.05)
    tables = Tables(failures=1)
    accounts = AccountLookup(tables, 4)
    answers = await asyncio.gather(
        *[accounts.account_of_origin(*MEI) for _ in range(3)], return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [LookupUnavailable] * 3
    assert tables.tries == 1
    assert "no such place" in caplog.text
    assert await accounts.account_of_origin(*MEI) is None
    assert tables.tries == 2


async def test_who_gives_up_does_not_end_the_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_TIMEOUT_S", 0.05)
    monkeypatch.setattr(module, "_OPEN_PAUSE_S", 60.0)
    tables = Tables(failures=1)
    accounts = AccountLookup(tables, 4)
    for _ in range(2):
        with pytest.raises(LookupUnavailable):
            await accounts.account_of_origin(*MEI)
    assert tables.tries == 1

    await accounts.close()
    assert tables.closed
