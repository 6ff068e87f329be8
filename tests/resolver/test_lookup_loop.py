"""Lookups over real HTTP, with tables in memory; published records go to a list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from schemas import decode
from stream.config.settings import load_settings
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, union_key
from stream.engine.model.state import Erased, Origin
from stream.engine.storage.codec import dump_entity
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Verdict
from stream.resolver.bind_status import BindStatuses
from stream.resolver.lookup_loop import LookupLoop, LookupTools
from stream.resolver.lookup_results import FinishedLookup, LookupOutcome
from stream.resolver.lookups import Api, Lookup
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import WeChatApi
from stream.tables import Commit, MemoryTables, Record, Write
from tests.services import wechat as paths
from tests.services.wechat import WeChat

pytestmark = pytest.mark.integration
MP, SECRET = "wx1a2b3c4d5e6f7a02", "secretofmp"


def now_ms() -> int:
    return int(time.time() * 1000)


def lookup(openid: str, order: str = "4200") -> Lookup:
    now = now_ms()
    return Lookup(Api.PAID, MP, openid, now, now + 20_000, order)


@dataclass
class Stage:
    loop: LookupLoop
    tables: MemoryTables
    published: list[Record]
    finished: list[FinishedLookup] = field(default_factory=list)
    stored: int = -1

    async def store(self, openid: str, origin: Origin) -> None:
        """As a worker would, at any time."""
        key = origin_key(MP, openid)
        write = {key: Write(dump_entity(origin))}
        await self.tables.commit([Commit(0, 1, self.stored, self.stored + 1, 1, write)])
        self.stored += 1

    async def work(self, *lookups: Lookup) -> list[LookupOutcome]:
        """Ask until all is done with."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(self.loop.run(group))
            await self.loop.add((one, None) for one in lookups)
            await self.loop.until_waiting(0)
            task.cancel()
        return [one.outcome for one in self.finished]


@pytest.fixture
async def stage(wechat: WeChat, redis_url: str, namespace: str) -> AsyncIterator[Stage]:
    app = wechat.add_app(MP, SECRET)
    app.unionids = {"oMei": "uMei", "oLi": "uLi"}
    wechat.paid(MP, "oMei", "4200")
    settings = load_settings(
        {"SHADOWPOINTS_REDIS_URL": redis_url, "SHADOWPOINTS_NAMESPACE": namespace}
    )
    tables, metrics = MemoryTables(1), ResolverMetrics()
    published, finished = list[Record](), list[FinishedLookup]()
    await tables.claim([0], 1, "test")

    async def publish(records: Sequence[Record]) -> None:
        published.extend(records)

    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(WeChatApi(wechat.url))
        shared = SharedState(settings)
        stack.push_async_callback(shared.close)
        tokens = AccessTokens(api, shared, {MP: SECRET}, now_ms)
        tools = LookupTools(
            Planner(waiting_max=100, calls_per_s=50, daily_calls_max=1_000),
            ApiCaller(api, tokens, shared, metrics, now_ms),
            BindStatuses(tables, Directory({MP: "abc-brand"}), 1, b"", now_ms),
            publish,
            metrics,
            now_ms,
        )
        yield Stage(LookupLoop(settings, tools, finished.append), tables, published, finished)


async def asked_once(wechat: WeChat) -> None:
    while not wechat.count(paths.PAID_UNIONID):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_answer_is_published_before_it_is_done_with(stage: Stage) -> None:
    assert await stage.work(lookup("oMei")) == [LookupOutcome.BOUND]
    [record] = stage.published
    assert decode(record.value, record.headers, "wechat.mini-program").type == "unionid.resolved.v1"


async def test_who_is_bound_or_erased_is_not_asked_for(stage: Stage, wechat: WeChat) -> None:
    await stage.store("oMei", Origin(bound=union_key("abc-brand", "uMei"), generation=1))
    await stage.store("oLi", Origin(erased=Erased(now_ms() + 60_000)))
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
    await stage.store("oMei", Origin(erased=Erased(now_ms() + 60_000)))
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
