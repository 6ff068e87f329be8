"""One planned call of WeChat's interfaces, with its token, and what it found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from stream.engine.calendar import day_of
from stream.resolver.api import BATCHGET, CALL_S, PAID_UNIONID, USER_INFO, WeChatApi
from stream.resolver.asks import Api
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.outcomes import Call
from stream.resolver.replies import Reply, Verdict, person_id, unionids_of
from stream.resolver.shared import Shared
from stream.resolver.tokens import TokenKeeper

_log = logging.getLogger(__name__)

_LOG_EVERY_S: Final = 60.0
#: What only somebody at WeChat's console can mend, or what should not happen.
_TOLD: Final = frozenset({Verdict.QUOTA, Verdict.SLOWER, Verdict.REFUSED, Verdict.APP_REFUSED})
#: Refusals which happen every day: a wrong openid, an order whose window has passed.
_EVERYDAY: Final = frozenset({40003, 89300})


class Asker:
    """Counts each call, in Redis and in the metrics, and says now and then what WeChat refuses."""

    def __init__(
        self,
        api: WeChatApi,
        tokens: TokenKeeper,
        shared: Shared,
        metrics: ResolverMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._tokens, self._shared = api, tokens, shared
        self._metrics, self._now_ms = metrics, now_ms
        self._told_s: dict[tuple[str, str, int], float] = {}

    async def call(
        self,
        appid: str,
        name: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        within_s: float = CALL_S,
    ) -> tuple[Reply, int]:
        """Any interface: its reply, and how many calls of it all processes have made today.

        ``name`` is the interface's, for counting. The number is 0 if it is not known.
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
            await self._tokens.spoiled(appid, token)
        self._count(appid, name, reply)
        return reply, calls

    async def ask(self, call: Call, within_s: float) -> tuple[Reply, dict[str, str], int]:
        """A call about people: its reply, the Union IDs by openid, and the number of calls."""
        first = call.asks[0]
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
                users = [{"openid": ask.openid, "lang": "zh_CN"} for ask in call.asks]
                reply, calls = await self.call(
                    call.appid, call.api, BATCHGET, {}, {"user_list": users}, within_s
                )
                return reply, unionids_of(reply.body), calls
        unionid = person_id(reply.body.get("unionid"))
        return reply, {first.openid: unionid} if unionid else {}, calls

    def _count(self, appid: str, name: str, reply: Reply) -> None:
        self._metrics.calls.labels(name, reply.verdict).inc()
        if reply.verdict not in _TOLD or reply.code in _EVERYDAY:
            return
        what, now_s = (appid, name, reply.code), time.monotonic()
        if now_s - self._told_s.get(what, float("-inf")) >= _LOG_EVERY_S:
            self._told_s[what] = now_s
            _log.warning(
                "WeChat answers %d to %s of %s: %s", reply.code, name, appid, reply.verdict
            )
