# SPDX-License-Identifier: Apache-2.0
"""Access tokens against the stand-in server, shared over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import redis

from stream.config.settings import Settings, load_settings
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.api_replies import Reply, Verdict
from stream.resolver.shared_state import AccessToken, SharedState
from stream.resolver.wechat_api import WeChatApi
from tests.services import wechat as paths
from tests.services.process import free_ports
from tests.services.wechat import WeChat

APPID, SECRET = "wx1a2b3c4d5e6f7a02", "secretofwx1a2b3c4d5e6f7a02"
NOW_MS = 1_772_323_200_000
pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def settings(redis_url: str, namespace: str) -> Settings:
    return load_settings({"SHADOWPOINTS_REDIS_URL": redis_url, "SHADOWPOINTS_NAMESPACE": namespace})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keeper(
    settings: Settings, wechat: WeChat, clock: Clock
) -> AsyncIterator[Callable[..., AccessTokens]]:
    """Give a maker of keepers, each as a process of its own would have."""
    wechat.add_app(APPID, SECRET)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(WeChatApi(wechat.url))

        def make(secret: str = SECRET, settings: Settings = settings) -> AccessTokens:
            shared = SharedState(settings)
            stack.push_async_callback(shared.close)
            return AccessTokens(api, shared, {APPID: secret}, clock)

        yield make


async def test_one_fetch_for_many(keeper: Callable[..., AccessTokens], wechat: WeChat) -> None:
    one, other = keeper(), keeper()
    tokens = await asyncio.gather(*(k.token(APPID) for k in (one, other) for _ in range(20)))
    assert len(set(map(str, tokens))) == 1
    assert wechat.count(paths.STABLE_TOKEN) == 1


async def test_a_token_is_renewed_before_its_end(
    keeper: Callable[..., AccessTokens], wechat: WeChat, clock: Clock
) -> None:
    one = keeper()
    first = await one.token(APPID)
    clock.ms += 6_900_000 - 1
    assert await one.token(APPID) == first
    assert wechat.count(paths.STABLE_TOKEN) == 1
    clock.ms += 1
    wechat.expire_tokens()
    assert await one.token(APPID) != first


async def test_a_rejected_token_is_replaced_once_for_all(
    keeper: Callable[..., AccessTokens], wechat: WeChat
) -> None:
    one, other = keeper(), keeper()
    rejected = await one.token(APPID)
    assert isinstance(rejected, str)
    assert await other.token(APPID) == rejected
    # WeChat goes on giving the same one, so a new one has to be forced
    await one.reject(APPID, rejected)
    fresh = await one.token(APPID)
    assert fresh != rejected
    await other.reject(APPID, rejected)
    assert await other.token(APPID) == fresh
    assert wechat.count(paths.STABLE_TOKEN) == 3
    # and not again and again
    assert isinstance(fresh, str)
    await one.reject(APPID, fresh)
    assert await one.token(APPID) == Reply(Verdict.TOKEN)


async def test_a_wrong_secret_is_the_apps_trouble(
    keeper: Callable[..., AccessTokens], wechat: WeChat
) -> None:
    reply = await keeper("secretofsomebodyelse").token(APPID)
    assert isinstance(reply, Reply)
    assert (reply.verdict, reply.code) == (Verdict.APP_REFUSED, 40125)


async def test_what_is_no_token_is_none(
    keeper: Callable[..., AccessTokens], wechat: WeChat
) -> None:
    for content in (b"{}", b'{"access_token": "", "expires_in": 7200}', b'{"access_token": "x"}'):
        wechat.answer_bytes(paths.STABLE_TOKEN, content)
        reply = await keeper().token(APPID)
        assert isinstance(reply, Reply)
        assert reply.verdict is Verdict.TRANSIENT


async def test_nobody_can_use_what_stands_in_redis(
    settings: Settings, redis_url: str, namespace: str
) -> None:
    shared = SharedState(settings)
    await shared.keep(APPID, SECRET, AccessToken("token-1", NOW_MS + 60_000), NOW_MS)
    with redis.Redis.from_url(redis_url) as client:
        sealed = client.get(f"{namespace}:wechat:token:{APPID}")
    assert isinstance(sealed, bytes)
    assert b"token-1" not in sealed
    assert await shared.token(APPID, "secretofsomebodyelse") is None
    assert await shared.token(APPID, SECRET) == AccessToken("token-1", NOW_MS + 60_000)
    await shared.close()


async def test_without_redis_each_process_goes_on_alone(
    keeper: Callable[..., AccessTokens], settings: Settings
) -> None:
    (port,) = free_ports(1)
    alone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"})
    one = keeper(settings=alone)
    assert isinstance(await one.token(APPID), str)
    assert await one.token(APPID) == await one.token(APPID)
