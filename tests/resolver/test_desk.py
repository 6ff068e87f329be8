"""Questions asked over real HTTP, with tables in memory and what is published in a list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from schemas import decode
from stream.engine.codec import dump_entity
from stream.engine.directory import Directory
from stream.engine.ids import origin_key, union_key
from stream.engine.state import Erased, Origin
from stream.resolver.api import WeChatApi
from stream.resolver.asking import Asker
from stream.resolver.asks import Api, Ask
from stream.resolver.desk import Desk, Tools
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.outcomes import Ended, Outcome
from stream.resolver.planner import Planner
from stream.resolver.replies import Verdict
from stream.resolver.shared import Shared
from stream.resolver.standing import Standings
from stream.resolver.tokens import TokenKeeper
from stream.settings import load_settings
from stream.tables import Commit, MemoryTables, Record, Write
from tests.services import wechat as paths
from tests.services.wechat import WeChat

pytestmark = pytest.mark.integration
MP, SECRET = "wx1a2b3c4d5e6f7a02", "secretofmp"


def now_ms() -> int:
    return int(time.time() * 1000)


def ask(openid: str, order: str = "4200") -> Ask:
    now = now_ms()
    return Ask(Api.PAID, MP, openid, now, now + 20_000, order)


@dataclass
class Stage:
    desk: Desk
    tables: MemoryTables
    published: list[Record]
    ended: list[Ended] = field(default_factory=list)
    stored: int = -1

    async def store(self, openid: str, origin: Origin) -> None:
        """As a worker would, at any time."""
        key = origin_key(MP, openid)
        write = {key: Write(dump_entity(origin))}
        await self.tables.commit([Commit(0, 1, self.stored, self.stored + 1, 1, write)])
        self.stored += 1

    async def work(self, *asks: Ask) -> list[Outcome]:
        """Ask until all is done with."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(self.desk.ask_on(group))
            await self.desk.take((one, None) for one in asks)
            await self.desk.below(0)
            task.cancel()
        return [one.outcome for one in self.ended]


@pytest.fixture
async def stage(wechat: WeChat, redis_url: str, namespace: str) -> AsyncIterator[Stage]:
    app = wechat.add_app(MP, SECRET)
    app.unionids = {"oMei": "uMei", "oLi": "uLi"}
    wechat.paid(MP, "oMei", "4200")
    settings = load_settings(
        {"SHADOWPOINTS_REDIS_URL": redis_url, "SHADOWPOINTS_NAMESPACE": namespace}
    )
    tables, metrics = MemoryTables(1), ResolverMetrics()
    published, ended = list[Record](), list[Ended]()
    await tables.claim([0], 1, "test")

    async def publish(records: Sequence[Record]) -> None:
        published.extend(records)

    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(WeChatApi(wechat.url))
        shared = Shared(settings)
        stack.push_async_callback(shared.close)
        tokens = TokenKeeper(api, shared, {MP: SECRET}, now_ms)
        tools = Tools(
            Planner(waiting_max=100, calls_per_s=50, daily_calls_max=1_000),
            Asker(api, tokens, shared, metrics, now_ms),
            Standings(tables, Directory({MP: "abc-brand"}), 1, b"", now_ms),
            publish,
            metrics,
            now_ms,
        )
        yield Stage(Desk(settings, tools, ended.append), tables, published, ended)


async def asked_once(wechat: WeChat) -> None:
    while not wechat.count(paths.PAID_UNIONID):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_answer_is_published_before_it_is_done_with(stage: Stage) -> None:
    assert await stage.work(ask("oMei")) == [Outcome.BOUND]
    [record] = stage.published
    assert decode(record.value, record.headers, "wechat.mini-program").type == "unionid.resolved.v1"


async def test_who_is_bound_or_erased_is_not_asked_for(stage: Stage, wechat: WeChat) -> None:
    await stage.store("oMei", Origin(bound=union_key("abc-brand", "uMei"), generation=1))
    await stage.store("oLi", Origin(erased=Erased(now_ms() + 60_000)))
    assert await stage.work(ask("oMei"), ask("oLi")) == [Outcome.KNOWN, Outcome.ERASED]
    assert wechat.counted() == {}


async def test_who_is_erased_while_the_question_waits_is_not_asked_for(
    stage: Stage, wechat: WeChat
) -> None:
    wechat.answer_code(paths.PAID_UNIONID, -1, times=3)
    work = asyncio.create_task(stage.work(ask("oMei")))
    await asked_once(wechat)
    await stage.store("oMei", Origin(erased=Erased(now_ms() + 60_000)))
    assert await work == [Outcome.ERASED]
    assert stage.published == []


async def test_an_erasure_during_the_call_is_later_than_its_answer(
    stage: Stage, wechat: WeChat
) -> None:
    """So the engine refuses the answer."""
    wechat.be_slow(paths.PAID_UNIONID, 1.0)
    work = asyncio.create_task(stage.work(ask("oMei")))
    await asked_once(wechat)
    erased_ms = now_ms()
    await work
    [record] = stage.published
    told = decode(record.value, record.headers, "wechat.mini-program")
    assert told.time_ms <= erased_ms


async def test_a_refused_app_is_told(stage: Stage, wechat: WeChat) -> None:
    wechat.apps[MP].bound = False
    assert await stage.work(ask("oMei")) == []
    assert stage.desk.refused is Verdict.APP_REFUSED
