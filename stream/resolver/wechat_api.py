# SPDX-License-Identifier: Apache-2.0
"""Call WeChat's API over HTTP. Every result is a `Reply`; only cancellation raises.

URLs contain tokens and openids, so neither a URL nor the text of an error is ever logged.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Self

from aiohttp import ClientError, ClientSession, TCPConnector

from stream.process.bounded_body import BodyTooLarge, open_session, read_bounded
from stream.resolver.api_replies import BODY_BYTES_MAX, NO_REPLY, Reply, read_reply

CALL_S: Final = 5.0

STABLE_TOKEN: Final = "/cgi-bin/stable_token"
PAID_UNIONID: Final = "/wxa/getpaidunionid"
USER_INFO: Final = "/cgi-bin/user/info"
BATCHGET: Final = "/cgi-bin/user/info/batchget"
USER_GET: Final = "/cgi-bin/user/get"
CHANGE_OPENID: Final = "/cgi-bin/changeopenid"
ORDER_GET: Final = "/channels/ec/order/get"
ORDER_LIST: Final = "/channels/ec/order/list/get"
AFTER_SALE_GET: Final = "/channels/ec/aftersale/getaftersaleorder"
AFTER_SALE_LIST: Final = "/channels/ec/aftersale/getaftersalelist"


class WeChatApi:
    """A context manager that holds the connections to one server."""

    def __init__(self, url: str, *, at_once: int = 16) -> None:
        self._url, self._at_once = url, at_once
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(connector=TCPConnector(limit=self._at_once))
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def get(self, path: str, query: dict[str, str], within_s: float = CALL_S) -> Reply:
        """A GET request."""
        return await self._call("GET", path, query, None, within_s)

    async def post(
        self, path: str, query: dict[str, str], body: Any, within_s: float = CALL_S
    ) -> Reply:
        """A POST request with a JSON body."""
        return await self._call("POST", path, query, body, within_s)

    async def _call(
        self, method: str, path: str, query: dict[str, str], body: Any, within_s: float
    ) -> Reply:
        assert self._session is not None
        try:
            async with (
                asyncio.timeout(within_s),
                self._session.request(
                    method, self._url + path, params=query, json=body, allow_redirects=False
                ) as response,
            ):
                content = await read_bounded(response, BODY_BYTES_MAX)
                return read_reply(response.status, content)
        except (BodyTooLarge, ClientError, OSError, TimeoutError):
            return NO_REPLY
