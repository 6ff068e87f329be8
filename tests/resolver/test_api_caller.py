# SPDX-License-Identifier: Apache-2.0
"""Calls over real HTTP: tokens, faults, quotas, and the log lines about them."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from stream.config.settings import load_settings
from stream.engine.model.calendar import day_of
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Verdict
from stream.resolver.lookup_results import ApiCall
from stream.resolver.lookups import Api, Lookup
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import WeChatApi
from tests.services import wechat as paths
from tests.services.process import free_ports
from tests.services.wechat import WeChat

pytestmark = pytest.mark.integration
APPID, SECRET = "wx1a2b3c4d5e6f7a01", "secretofwx1a2b3c4d5e6f7a01"


def now_ms() -> int:
    return int(time.time() * 1000)


def call(api: Api, *openids: str, order: str = "") -> ApiCall:
    lookups = tuple(Lookup(api, APPID, openid, 0, now_ms() + 60_000, order) for openid in openids)
    return ApiCall(api, APPID, lookups)


@pytest.fixture
def metrics() -> ResolverMetrics:
    return ResolverMetrics()


@pytest.fixture
async def caller(
    wechat: WeChat, redis_url: str, namespace: str, metrics: ResolverMetrics
) -> AsyncIterator[ApiCaller]:
    app = wechat.add_app(APPID, SECRET)
    app.unionids, app.followers = {"oMei": "uMei", "oLi": "uLi"}, ["oMei", "oLi", "oWu"]
    settings = load_settings(
        {"SHADOWPOINTS_REDIS_URL": redis_url, "SHADOWPOINTS_NAMESPACE": namespace}
    )
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(WeChatApi(wechat.url))
        shared = SharedState(settings)
        stack.push_async_callback(shared.close)
        tokens = AccessTokens(api, shared, {APPID: SECRET}, now_ms)
        yield ApiCaller(api, tokens, shared, metrics, now_ms)


async def test_each_interface_returns_whose_union_id_it_is(
    caller: ApiCaller, wechat: WeChat
) -> None:
    wechat.paid(APPID, "oMei", "4200")
    for asked, found in (
        (call(Api.PAID, "oMei", order="4200"), {"oMei": "uMei"}),
        (call(Api.INFO, "oLi"), {"oLi": "uLi"}),
        (call(Api.INFO, "oWu"), {}),
        (call(Api.BATCH, "oMei", "oWu", "oLi"), {"oMei": "uMei", "oLi": "uLi"}),
    ):
        reply, unionids, calls = await caller.look_up(asked, 5)
        assert (reply.verdict, unionids) == (Verdict.OK, found)
    assert calls == 1  # of batchget
    assert [c.openids for c in wechat.calls][1:] == [
        ("oMei",),
        ("oLi",),
        ("oWu",),
        ("oMei", "oWu", "oLi"),
    ]


async def test_placeholders_are_nobody(caller: ApiCaller, wechat: WeChat) -> None:
    wechat.apps[APPID].unionids["oMei"] = "UNIONID"
    reply, unionids, _ = await caller.look_up(call(Api.INFO, "oMei"), 5)
    assert (reply.verdict, unionids) == (Verdict.OK, {})


async def test_an_expired_token_is_another_one_next_time(caller: ApiCaller, wechat: WeChat) -> None:
    await caller.look_up(call(Api.INFO, "oMei"), 5)
    wechat.expire_tokens()
    reply, _, _ = await caller.look_up(call(Api.INFO, "oMei"), 5)
    assert reply.verdict is Verdict.TOKEN
    reply, unionids, _ = await caller.look_up(call(Api.INFO, "oMei"), 5)
    assert (reply.verdict, unionids) == (Verdict.OK, {"oMei": "uMei"})


async def test_what_goes_wrong_on_the_way_is_a_reply(
    caller: ApiCaller, wechat: WeChat, metrics: ResolverMetrics
) -> None:
    await caller.look_up(call(Api.INFO, "oMei"), 5)
    wechat.answer_status(paths.USER_INFO, 503)
    wechat.answer_bytes(paths.USER_INFO, b"\xff" * 10)
    wechat.be_slow(paths.USER_INFO, 5)
    for within_s in (5, 5, 0.2):
        reply, unionids, _ = await caller.look_up(call(Api.INFO, "oMei"), within_s)
        assert (reply.verdict, unionids) == (Verdict.TRANSIENT, {})
    assert b'calls_total{api="user_info",verdict="transient"} 3.0' in metrics.text()


async def test_a_server_which_is_not_there_is_a_reply(wechat: WeChat) -> None:
    (port,) = free_ports(1)
    async with WeChatApi(f"http://127.0.0.1:{port}") as api:
        assert (await api.get(paths.USER_INFO, {})).verdict is Verdict.TRANSIENT


async def test_the_quota_is_reported_and_counted_for_all_processes(
    caller: ApiCaller,
    wechat: WeChat,
    caplog: pytest.LogCaptureFixture,
    namespace: str,
    redis_url: str,
) -> None:
    caplog.set_level(logging.WARNING)
    wechat.quotas[APPID, paths.USER_INFO] = 1
    verdicts = []
    for _ in range(3):
        reply, _, calls = await caller.look_up(call(Api.INFO, "oMei"), 5)
        verdicts.append(reply.verdict)
    assert verdicts == [Verdict.OK, Verdict.QUOTA, Verdict.QUOTA]
    assert calls == 3
    [said] = [record.getMessage() for record in caplog.records]  # once a minute
    assert said == f"WeChat answered code 45009 to user_info for {APPID}: quota"
    assert day_of(now_ms()) > 0


async def test_an_everyday_refusal_is_not_reported(
    caller: ApiCaller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reply, _, _ = await caller.look_up(call(Api.INFO, "oNobody"), 5)
    assert (reply.verdict, reply.code) == (Verdict.REFUSED, 40003)
    text = caplog.text
    assert "oNobody" not in text
    assert SECRET not in text
    assert "token-" not in text
