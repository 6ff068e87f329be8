# SPDX-License-Identifier: Apache-2.0
"""Hands WeChat's deliveries on to another system of the brand's, and returns its answer.

The other system gets the request as it came: method, body, query string and headers, byte for byte,
so that WeChat's signatures hold there too. Everything is bounded: the time (that of the answer to
WeChat), the tries, the concurrent requests to one address, the size of an answer. Above the limit
a delivery is refused at once and not queued: an address that hangs must not use up what the others
need. Addresses may hold secrets, so nothing here logs or repeats them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp
from yarl import URL

from stream.brand.forwarding import Forward
from stream.gateway.endpoint import TEXT, Delivery, Response
from stream.process.bounded_body import BodyTooLarge, open_session, read_bounded
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

ANSWER_BYTES_MAX: Final = 65_536  # WeChat's own replies have a few thousand
TRIES: Final = 3
#: Kept of the time of the answer, to send it.
RESERVED_S: Final = 0.2
_PAUSE_S: Final = 0.1
#: Statuses of a proxy whose server is being restarted: worth another try.
_TRANSIENT: Final = frozenset({502, 503, 504})
#: Headers of one connection, not of the message (RFC 9110, 7.6.1), and what the client sets itself.
_OF_CONNECTION: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "expect", "host", "content-length", "accept-encoding"),
    }
)
_SET_BY_CLIENT: Final = ("Accept", "User-Agent", "Content-Type")


class Outcome(StrEnum):
    """How a forward ended, for metrics."""

    ACCEPTED = "accepted"  # the other system answered with 2xx
    REFUSED = "refused"  # with another status; WeChat gets it and tries again
    UNREACHABLE = "unreachable"  # no connection, or a certificate that is not trusted
    TOO_SLOW = "too_slow"
    TOO_BUSY = "too_busy"  # as many requests are open as may be
    UNUSABLE = "unusable"  # a redirect, or too large an answer
    LOOP = "loop"  # the address leads back to this gateway


_MESSAGES: Final[Mapping[Outcome, str]] = {
    Outcome.UNREACHABLE: "cannot be reached",
    Outcome.TOO_SLOW: "did not answer in time",
    Outcome.TOO_BUSY: "has too many requests open",
    Outcome.UNUSABLE: "gave an answer that WeChat cannot get",
    Outcome.LOOP: "is this gateway itself",
}

#: Counts a forward by endpoint and outcome, with its seconds.
CountForward = Callable[[str, str, float], None]


class _Failed(Exception):
    """There is no answer; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """The other system's answer."""

    status: int
    body: bytes
    content_type: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def response(self, kind: str) -> Response:
        """The answer as the one to WeChat."""
        return Response(kind, self.body, self.content_type, self.status)


class Forwarder:
    """Connects lazily; ``close`` it in the same event loop.

    ``name`` is that of the deployment, which the header ``Via`` carries to recognise a loop.
    """

    def __init__(self, name: str, concurrent_max: int, count: CountForward) -> None:
        self._via = f"1.1 shadowpoints-{name}"
        self._concurrent_max, self._count = concurrent_max, count
        self._open: Counter[str] = Counter()  # by address
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, to: Forward, delivery: Delivery, endpoint: str) -> Answer:
        """The other system's answer, whatever its status.

        Raises ``DeliveryRejected`` if there is none.
        """
        began, outcome = time.perf_counter(), Outcome.TOO_SLOW
        try:
            answer = await self._limited(to, delivery)
            outcome = Outcome.ACCEPTED if answer.accepted else Outcome.REFUSED
        except _Failed as failed:
            outcome = failed.outcome
            raise DeliveryRejected(
                RejectReason.FORWARD_FAILED,
                f"The system behind forward_to {_MESSAGES[outcome]}; send it again.",
            ) from None
        finally:
            self._count(endpoint, outcome, time.perf_counter() - began)
        return answer

    async def _limited(self, to: Forward, delivery: Delivery) -> Answer:
        if self._via in delivery.headers.get("via", "").split(", "):
            raise _Failed(Outcome.LOOP)
        if self._open[to.url] >= self._concurrent_max:
            raise _Failed(Outcome.TOO_BUSY)
        self._open[to.url] += 1
        try:
            async with asyncio.timeout_at(delivery.ends_s - RESERVED_S):
                return await self._tried(to, delivery)
        except TimeoutError:
            raise _Failed(Outcome.TOO_SLOW) from None
        finally:
            self._open[to.url] -= 1

    async def _tried(self, to: Forward, delivery: Delivery) -> Answer:
        url, headers = _address(to, delivery), self._headers(delivery)
        for attempt in range(1, TRIES + 1):
            try:
                answer = await self._once(delivery.method, url, headers, delivery.body)
            except (aiohttp.ClientError, OSError):
                if attempt == TRIES:
                    raise _Failed(Outcome.UNREACHABLE) from None
            else:
                if answer.status not in _TRANSIENT or attempt == TRIES:
                    return answer
            await asyncio.sleep(_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
        raise AssertionError("a last try answers or raises")

    async def _once(self, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)  # limited by address above
            timeout = aiohttp.ClientTimeout(total=None)  # limited by the answer's time above
            jar = aiohttp.DummyCookieJar()
            self._session = open_session(connector=connector, timeout=timeout, cookie_jar=jar)
        request = self._session.request(
            method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=_SET_BY_CLIENT,
        )
        async with request as response:
            if not 200 <= response.status < 300 and response.status < 400:
                raise _Failed(Outcome.UNUSABLE)
            try:
                content = await read_bounded(response, ANSWER_BYTES_MAX)
            except BodyTooLarge:
                raise _Failed(Outcome.UNUSABLE) from None
            content_type = response.headers.get("content-type", TEXT)
            return Answer(response.status, content, content_type)

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        headers = {k: v for k, v in delivery.headers.items() if k not in _OF_CONNECTION}
        headers["via"] = ", ".join(filter(None, (headers.get("via"), self._via)))
        return headers


async def both(
    publishing: Awaitable[None], forwarding: Coroutine[object, object, Answer]
) -> Answer:
    """Wait until both have ended; raise what publishing raised, else what forwarding raised."""
    forward = asyncio.create_task(forwarding)
    try:
        await publishing
        return await forward
    except DeliveryRejected:
        with suppress(DeliveryRejected):
            await forward
        raise
    finally:
        forward.cancel()


def _address(to: Forward, delivery: Delivery) -> URL:
    query = delivery.query_string.decode("latin-1")
    joined = "&" if "?" in to.url else "?"
    return URL(to.url + (joined + query if query else ""), encoded=True)
