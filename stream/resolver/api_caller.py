# SPDX-License-Identifier: Apache-2.0
"""Call WeChat's API with an access token, and return the Union IDs that a lookup found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from stream.engine.model.calendar import day_of
from stream.resolver.access_tokens import AccessTokens
from stream.resolver.api_replies import Reply, Verdict, person_id, unionids_of
from stream.resolver.lookup_results import ApiCall
from stream.resolver.lookups import Api
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import BATCHGET, CALL_S, PAID_UNIONID, USER_INFO, WeChatApi

_log = logging.getLogger(__name__)

_LOG_EVERY_S: Final = 60.0
#: Only an operator can fix these, on WeChat's console, or they should not happen.
_LOGGED: Final = frozenset({Verdict.QUOTA, Verdict.SLOWER, Verdict.REFUSED, Verdict.APP_REFUSED})
#: Refusals that happen every day: a wrong openid, an order whose window has passed.
_EVERYDAY: Final = frozenset({40003, 89300})


class ApiCaller:
    """Counts each call in Redis and in the metrics, and logs refusals once a minute each."""

    def __init__(
        self,
        api: WeChatApi,
        tokens: AccessTokens,
        shared: SharedState,
        metrics: ResolverMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._tokens, self._shared = api, tokens, shared
        self._metrics, self._now_ms = metrics, now_ms
        self._logged_s: dict[tuple[str, str, int], float] = {}

    async def call(
        self,
        appid: str,
        name: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        within_s: float = CALL_S,
    ) -> tuple[Reply, int]:
        """Call any interface; return its reply and the calls of it that all processes made today.

        Calls are counted under ``name``. The number is 0 if Redis does not answer.
        """
        token = await self._tokens.token(appid)
        if isinstance(token, Reply):
            self._count(appid, "token", token)
            return token, 0
        calls = await self._shared.count(day_of(self._now_ms()), appid, name)
        authorised = {"access_token": token, **query}
        if body is None:
            reply = await self._api.get(path, authorised, within_s)
        else:
            reply = await self._api.post(path, authorised, body, within_s)
        if reply.verdict is Verdict.TOKEN:
            await self._tokens.reject(appid, token)
        self._count(appid, name, reply)
        return reply, calls

    async def look_up(self, call: ApiCall, within_s: float) -> tuple[Reply, dict[str, str], int]:
        """Make a lookup call; return its reply, Union IDs by openid, and the calls made today."""
        first = call.people[0]
        match call.api:
            case Api.PAID:
                query = {"openid": first.openid, "transaction_id": first.transaction_id}
                reply, calls = await self.call(
                    call.appid, call.api, PAID_UNIONID, query, within_s=within_s
                )
            case Api.INFO:
                query = {"openid": first.openid, "lang": "zh_CN"}
                reply, calls = await self.call(
                    call.appid, call.api, USER_INFO, query, within_s=within_s
                )
            case Api.BATCH:
                users = [{"openid": lookup.openid, "lang": "zh_CN"} for lookup in call.people]
                reply, calls = await self.call(
                    call.appid, call.api, BATCHGET, {}, {"user_list": users}, within_s
                )
                return reply, unionids_of(reply.body), calls
        unionid = person_id(reply.body.get("unionid"))
        return reply, {first.openid: unionid} if unionid else {}, calls

    def _count(self, appid: str, name: str, reply: Reply) -> None:
        self._metrics.calls.labels(name, reply.verdict).inc()
        if reply.verdict not in _LOGGED or reply.code in _EVERYDAY:
            return
        what, now_s = (appid, name, reply.code), time.monotonic()
        if now_s - self._logged_s.get(what, float("-inf")) >= _LOG_EVERY_S:
            self._logged_s[what] = now_s
            _log.warning(
                "WeChat answered code %d to %s for %s: %s", reply.code, name, appid, reply.verdict
            )
