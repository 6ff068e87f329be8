# SPDX-License-Identifier: Apache-2.0
"""Runs an endpoint as an ASGI application: limits, timeout, status codes, metrics and logs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final
from urllib.parse import parse_qsl

import orjson
from prometheus_client import Counter
from starlette.types import Message, Receive, Scope, Send

from stream.gateway.dependencies import Unavailable
from stream.gateway.endpoint import JSON, Delivery, Endpoint, Response
from stream.gateway.metrics import GatewayMetrics
from stream.process.failures import describe_failure
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

_log = logging.getLogger(__name__)

STATUS: Final[Mapping[RejectReason, int]] = {
    RejectReason.UNKNOWN_PATH: 404,
    RejectReason.WRONG_METHOD: 405,
    RejectReason.OVERLOADED: 503,
    RejectReason.TOO_LARGE: 413,
    RejectReason.TOO_SLOW: 408,
    RejectReason.UNKNOWN_ACCOUNT: 404,
    RejectReason.UNAUTHORISED: 401,
    RejectReason.UNKNOWN_KEY: 401,
    RejectReason.BAD_SIGNATURE: 401,
    RejectReason.STALE: 401,
    RejectReason.REPLAYED: 409,
    RejectReason.UNDECRYPTABLE: 400,
    RejectReason.WRONG_APP: 403,
    RejectReason.MALFORMED: 400,
    RejectReason.NO_SESSION: 401,
    RejectReason.NOT_ALLOWED: 403,
    RejectReason.LIMITED: 429,
    RejectReason.UNAVAILABLE: 503,
    RejectReason.FORWARD_FAILED: 502,
    RejectReason.INTERNAL: 500,
}
#: After these the rest of the request is not read.
_CLOSE_CONNECTION: Final = frozenset(
    {RejectReason.OVERLOADED, RejectReason.TOO_LARGE, RejectReason.TOO_SLOW}
)
_LOG_EVERY_S: Final = 60.0
_QUERY_FIELDS_MAX: Final = 32


class _ClientDisconnected(Exception):
    """The sender has disconnected before the response."""


@dataclass
class GatewayContext:
    """What the endpoints of one process share: metrics, clock, limits, open requests, rejections.

    Units as in the settings; the clock is in ms.
    """

    metrics: GatewayMetrics
    now_ms: Callable[[], int]
    answer_within_s: float
    body_bytes_max: int
    requests_max: int
    requests: int = 0
    _logged_at_s: dict[tuple[str, str], float] = field(default_factory=dict)

    def reject(self, endpoint: str, rejection: DeliveryRejected) -> None:
        """Count a rejection, and log it at most once a minute per endpoint and reason."""
        self.metrics.rejected(endpoint, rejection.reason)
        what, now_s = (endpoint, rejection.reason.value), time.monotonic()
        if now_s - self._logged_at_s.get(what, float("-inf")) >= _LOG_EVERY_S:
            self._logged_at_s[what] = now_s
            _log.warning("%s: rejected, %s", endpoint, rejection)


class EndpointApp:
    """One endpoint as an ASGI application."""

    def __init__(self, endpoint: Endpoint, context: GatewayContext) -> None:
        self._endpoint, self._context = endpoint, context
        self._seconds = context.metrics.answer_seconds.labels(endpoint.name)
        self._accepted: dict[str, Counter] = {}  # by kind; labels() costs more than inc()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context, endpoint, began = self._context, self._endpoint, time.perf_counter()
        context.requests += 1
        try:
            response = await self._respond(scope, receive)
        except DeliveryRejected as rejection:
            context.reject(endpoint.name, rejection)
            await send_rejection(send, rejection, endpoint)
        except _ClientDisconnected:
            context.metrics.disconnects.inc()
        else:
            self._count(response.kind)
            headers = _headers_of(endpoint)
            await _send(send, response.status, response.body, response.content_type, headers)
        finally:
            context.requests -= 1
            self._seconds.observe(time.perf_counter() - began)

    def _count(self, kind: str) -> None:
        counter = self._accepted.get(kind)
        if counter is None:
            counter = self._context.metrics.deliveries.labels(self._endpoint.name, kind)
            self._accepted[kind] = counter
        counter.inc()

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        """Raises `DeliveryRejected` and `_Gone` only."""
        context, reading = self._context, True
        if context.requests > context.requests_max:
            raise DeliveryRejected(
                RejectReason.OVERLOADED, "Too many requests at once; send it again."
            )
        try:
            async with asyncio.timeout(context.answer_within_s) as timeout:
                bytes_max = self._endpoint.body_bytes_max or context.body_bytes_max
                delivery = await _read(scope, receive, context, bytes_max, timeout.when() or inf)
                reading = False
                return await self._endpoint.handle(delivery)
        except TimeoutError:
            if reading:
                raise DeliveryRejected(
                    RejectReason.TOO_SLOW, "The body did not come in time."
                ) from None
            raise Unavailable from None
        except (DeliveryRejected, _ClientDisconnected):
            raise
        except Exception as error:
            _log.error("%s: %s", self._endpoint.name, describe_failure(error))
            raise DeliveryRejected(
                RejectReason.INTERNAL, "Internal error; see the gateway's log."
            ) from None


async def _read(
    scope: Scope, receive: Receive, context: GatewayContext, bytes_max: int, ends_s: float
) -> Delivery:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Delivery(
        method=scope["method"],
        path_params=scope["path_params"],
        query=_query(scope["query_string"]),
        query_string=scope["query_string"],
        headers=headers,
        body=await _body(headers, receive, bytes_max),
        now_ms=context.now_ms(),
        ends_s=ends_s,
    )


def _query(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        raise DeliveryRejected(RejectReason.MALFORMED, "The query cannot be read.") from None
    return dict(pairs)


async def _body(headers: Mapping[str, str], receive: Receive, bytes_max: int) -> bytes:
    """The whole body; stops reading one as soon as it is known to be too large."""
    too_large = DeliveryRejected(RejectReason.TOO_LARGE, f"The body may have {bytes_max} bytes.")
    declared = headers.get("content-length", "")
    if len(declared) > 18 or (declared.isdecimal() and int(declared) > bytes_max):
        raise too_large
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = bytearray(body)
        while message.get("more_body") and len(parts) <= bytes_max:
            message = await _next(receive)
            parts += message.get("body", b"")
        body = bytes(parts)
    if len(body) > bytes_max:
        raise too_large
    return body


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientDisconnected
    return message


async def send_rejection(send: Send, rejection: DeliveryRejected, endpoint: Endpoint) -> None:
    """Send the status and the message of a rejection."""
    status, challenge = STATUS[rejection.reason], endpoint.challenge
    headers = _headers_of(endpoint)
    if rejection.reason in _CLOSE_CONNECTION:
        headers.append((b"connection", b"close"))
    if status == 401 and challenge:
        headers.append((b"www-authenticate", challenge.encode()))
    if rejection.retry_after_s is not None:
        headers.append((b"retry-after", str(rejection.retry_after_s).encode()))
    await _send(send, status, error_body(rejection), JSON, headers)


def _headers_of(endpoint: Endpoint) -> list[tuple[bytes, bytes]]:
    return [(b"access-control-allow-origin", b"*")] if endpoint.any_origin else []


def error_body(rejection: DeliveryRejected) -> bytes:
    """The JSON body of an error, in WeChat Pay's form, for all senders."""
    return orjson.dumps({"code": "FAIL", "message": rejection.message})


async def _send(
    send: Send,
    status: int,
    body: bytes,
    content_type: str,
    more: list[tuple[bytes, bytes]] | None = None,
) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", content_type.encode()))
    start = {"type": "http.response.start", "status": status, "headers": headers + (more or [])}
    await send(start)
    await send({"type": "http.response.body", "body": body})
