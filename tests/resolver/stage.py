# SPDX-License-Identifier: Apache-2.0
"""The resolver's services over real HTTP and a real Redis; tables in memory, records in a list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from stream.addressing.pseudonyms import Pseudonyms
from stream.config.settings import Settings, load_settings
from stream.engine.model.decision import Entity
from stream.engine.model.directory import Directory
from stream.engine.model.state import Erased
from stream.engine.storage.codec import dump_entity
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.answers import Answers
from stream.resolver.api_caller import ApiCaller
from stream.resolver.bind_status import BindStatuses
from stream.resolver.gap_fill import Window
from stream.resolver.lookup_loop import LookupLoop, LookupTools
from stream.resolver.lookup_results import FinishedLookup, LookupOutcome
from stream.resolver.lookups import AnyLookup
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import WeChatApi
from stream.tables import Commit, MemoryTables, Record, Write
from tests.services.wechat import WeChat

HASH_SECRET = b"a secret of sixteen"


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass
class Stage:
    """What a test sees of it."""

    settings: Settings
    tools: LookupTools
    tables: MemoryTables
    published: list[Record]
    finished: list[FinishedLookup] = field(default_factory=list)
    stored: int = -1

    def __post_init__(self) -> None:
        self.loop = LookupLoop(self.settings, self.tools, self._finish)

    def _finish(self, finished: FinishedLookup) -> None:
        self.finished.append(finished)
        if isinstance(finished.tag, Window):
            finished.tag.finish(finished)

    @property
    def outcomes(self) -> list[LookupOutcome]:
        return [one.outcome for one in self.finished]

    async def store(self, key: str, entity: Entity) -> None:
        """As a worker would, at any time."""
        write = {key: Write(dump_entity(entity))}
        await self.tables.commit([Commit(0, 1, self.stored, self.stored + 1, 1, write)])
        self.stored += 1

    async def erase(self, key: str, at_ms: int) -> None:
        """The mark of somebody who was erased."""
        await self.store(Pseudonyms(HASH_SECRET, 1).of(key), Erased(at_ms))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Make the planned calls meanwhile."""
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(self.loop.run(group))
            yield
            task.cancel()

    async def work(self, *lookups: AnyLookup) -> list[LookupOutcome]:
        """Ask until all is done with."""
        async with self.working():
            await self.loop.add((one, None) for one in lookups)
            await self.loop.until_waiting(0)
        return self.outcomes


@asynccontextmanager
async def staged(
    wechat: WeChat,
    redis_url: str,
    namespace: str,
    directory: Directory,
    *,
    waiting_max: int = 100,
    daily_calls_max: int = 1_000,
) -> AsyncIterator[Stage]:
    """A process of the resolver with the apps of the stand-in."""
    settings = load_settings(
        {"SHADOWPOINTS_REDIS_URL": redis_url, "SHADOWPOINTS_NAMESPACE": namespace}
    )
    tables, metrics, published = MemoryTables(1), ResolverMetrics(), list[Record]()
    await tables.claim([0], 1, "test")

    async def publish(records: Sequence[Record]) -> None:
        published.extend(records)

    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(WeChatApi(wechat.url))
        shared = SharedState(settings)
        stack.push_async_callback(shared.close)
        secrets = {appid: app.secret for appid, app in wechat.apps.items()}
        tokens = AccessTokens(api, shared, secrets, now_ms)
        caller = ApiCaller(api, tokens, shared, metrics, now_ms)
        statuses = BindStatuses(tables, directory, 1, HASH_SECRET, now_ms)
        tools = LookupTools(
            Planner(waiting_max=waiting_max, calls_per_s=50, daily_calls_max=daily_calls_max),
            caller,
            Answers(settings, caller, statuses, directory, now_ms),
            shared,
            statuses,
            publish,
            metrics,
            now_ms,
        )
        yield Stage(settings, tools, tables, published)
