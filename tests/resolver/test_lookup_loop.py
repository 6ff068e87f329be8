# SPDX-License-Identifier: Apache-2.0
"""Lookups over real HTTP, with tables in memory; published records go to a list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas import decode
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, union_key
from stream.engine.model.state import Erased, Origin
from stream.resolver.api_replies import Verdict
from stream.resolver.lookup_results import LookupOutcome
from stream.resolver.lookups import Api, Lookup
from tests.resolver.stage import Stage, now_ms, staged
from tests.services import wechat as paths
from tests.services.wechat import WeChat

pytestmark = pytest.mark.integration
MP, SECRET = "wx1a2b3c4d5e6f7a02", "secretofmp"


def lookup(openid: str, order: str = "4200") -> Lookup:
    now = now_ms()
    return Lookup(Api.PAID, MP, openid, now, now + 20_000, order)


@pytest.fixture
async def stage(wechat: WeChat, redis_url: str, namespace: str) -> AsyncIterator[Stage]:
    app = wechat.add_app(MP, SECRET)
    app.unionids = {"oMei": "uMei", "oLi": "uLi"}
    wechat.paid(MP, "oMei", "4200")
    async with staged(wechat, redis_url, namespace, Directory({MP: "abc-brand"})) as made:
        yield made


async def asked_once(wechat: WeChat) -> None:
    while not wechat.count(paths.PAID_UNIONID):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_answer_is_published_before_it_is_done_with(stage: Stage) -> None:
    assert await stage.work(lookup("oMei")) == [LookupOutcome.BOUND]
    [record] = stage.published
    assert decode(record.value, record.headers, "wechat.mini-program").type == "unionid.resolved.v1"


async def test_who_is_bound_or_erased_is_not_asked_for(stage: Stage, wechat: WeChat) -> None:
    await stage.store(
        origin_key(MP, "oMei"), Origin(bound=union_key("abc-brand", "uMei"), generation=1)
    )
    await stage.store(origin_key(MP, "oLi"), Origin(erased=Erased(now_ms() + 60_000)))
    assert await stage.work(lookup("oMei"), lookup("oLi")) == [
        LookupOutcome.KNOWN,
        LookupOutcome.ERASED,
    ]
    assert wechat.counted() == {}


async def test_who_is_erased_while_the_question_waits_is_not_asked_for(
    stage: Stage, wechat: WeChat
) -> None:
    wechat.answer_code(paths.PAID_UNIONID, -1, times=3)
    work = asyncio.create_task(stage.work(lookup("oMei")))
    await asked_once(wechat)
    await stage.store(origin_key(MP, "oMei"), Origin(erased=Erased(now_ms() + 60_000)))
    assert await work == [LookupOutcome.ERASED]
    assert stage.published == []


async def test_an_erasure_during_the_call_is_later_than_its_answer(
    stage: Stage, wechat: WeChat
) -> None:
    """So the engine refuses the answer."""
    wechat.be_slow(paths.PAID_UNIONID, 1.0)
    work = asyncio.create_task(stage.work(lookup("oMei")))
    await asked_once(wechat)
    erased_ms = now_ms()
    await work
    [record] = stage.published
    read = decode(record.value, record.headers, "wechat.mini-program")
    assert read.time_ms <= erased_ms


async def test_a_refused_app_is_reported(stage: Stage, wechat: WeChat) -> None:
    wechat.apps[MP].bound = False
    assert await stage.work(lookup("oMei")) == []
    assert stage.loop.refused is Verdict.APP_REFUSED
