"""What all doors have in common: limits on body, time and number, statuses, counts, the answer."""

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

from stream.gateway.metrics import GatewayMetrics
from stream.gateway.ports import JSON, Answer, Delivery, Door, Unavailable
from stream.runtime.dead_letters import describe_failure
from stream.wechat.heard import NotHeard, Refusal

_log = logging.getLogger(__name__)

STATUS: Final[Mapping[Refusal, int]] = {
    Refusal.UNKNOWN_PLACE: 404,
    Refusal.OVERLOADED: 503,
    Refusal.TOO_LARGE: 413,
    Refusal.TOO_SLOW: 408,
    Refusal.UNKNOWN_ACCOUNT: 404,
    Refusal.UNAUTHORISED: 401,
    Refusal.UNKNOWN_KEY: 401,
    Refusal.BAD_SIGNATURE: 401,
    Refusal.STALE: 401,
    Refusal.REPLAYED: 409,
    Refusal.UNDECRYPTABLE: 400,
    Refusal.WRONG_APP: 403,
    Refusal.MALFORMED: 400,
    Refusal.NO_SESSION: 401,
    Refusal.NOT_ALLOWED: 403,
    Refusal.LIMITED: 429,
    Refusal.UNAVAILABLE: 503,
    Refusal.INTERNAL: 500,
}
#: After these what is left of the request is not worth reading.
_HANG_UP: Final = frozenset({Refusal.OVERLOADED, Refusal.TOO_LARGE, Refusal.TOO_SLOW})
_LOG_EVERY_S: Final = 60.0
_QUERY_FIELDS_MAX: Final = 32


class _Gone(Exception):
    """The sender has hung up; nobody reads an answer."""


@dataclass
class Gate:
    """What the doors of one process share. Units as in the settings; the clock is in ms."""

    metrics: GatewayMetrics
    now_ms: Callable[[], int]
    answer_within_s: float
    body_bytes_max: int
    requests_max: int
    requests: int = 0
    _told_at_s: dict[tuple[str, str], float] = field(default_factory=dict)

    def refuse(self, door: str, refusal: NotHeard) -> None:
        """Count it, and say it once a minute: a wrong key is seen, a flood is not."""
        self.metrics.refused(door, refusal.reason)
        what, now_s = (door, refusal.reason.value), time.monotonic()
        if now_s - self._told_at_s.get(what, float("-inf")) >= _LOG_EVERY_S:
            self._told_at_s[what] = now_s
            _log.warning("%s: refused, %s", door, refusal)


class Entrance:
    """A door as an ASGI application."""

    def __init__(self, door: Door, gate: Gate) -> None:
        self._door, self._gate = door, gate
        self._seconds = gate.metrics.answer_seconds.labels(door.name)
        self._accepted: dict[str, Counter] = {}  # by kind; labels() costs more than inc()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate, door, began = self._gate, self._door, time.perf_counter()
        gate.requests += 1
        try:
            answer = await self._answer(scope, receive)
        except NotHeard as refusal:
            gate.refuse(door.name, refusal)
            await send_refusal(send, refusal, door.challenge)
        except _Gone:
            gate.metrics.gone.inc()
        else:
            self._count(answer.kind)
            await _send(send, answer.status, answer.body, answer.content_type)
        finally:
            gate.requests -= 1
            self._seconds.observe(time.perf_counter() - began)

    def _count(self, kind: str) -> None:
        counter = self._accepted.get(kind)
        if counter is None:
            counter = self._gate.metrics.deliveries.labels(self._door.name, kind)
            self._accepted[kind] = counter
        counter.inc()

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """Raises `NotHeard` and `_Gone` only."""
        gate, reading = self._gate, True
        if gate.requests > gate.requests_max:
            raise NotHeard(Refusal.OVERLOADED, "Too many requests are in work; send it again.")
        try:
            async with asyncio.timeout(gate.answer_within_s) as timeout:
                delivery = await _read(scope, receive, gate, timeout.when() or inf)
                reading = False
                return await self._door.handle(delivery)
        except TimeoutError:
            if reading:
                raise NotHeard(Refusal.TOO_SLOW, "The body did not come in time.") from None
            raise Unavailable from None
        except (NotHeard, _Gone):
            raise
        except Exception as error:
            _log.error("%s: %s", self._door.name, describe_failure(error))
            raise NotHeard(Refusal.INTERNAL, "Something unexpected; see the log.") from None


async def _read(scope: Scope, receive: Receive, gate: Gate, ends_s: float) -> Delivery:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Delivery(
        method=scope["method"],
        place=scope["path_params"],
        query=_query(scope["query_string"]),
        headers=headers,
        body=await _body(headers, receive, gate.body_bytes_max),
        now_ms=gate.now_ms(),
        ends_s=ends_s,
    )


def _query(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        raise NotHeard(Refusal.MALFORMED, "The query cannot be read.") from None
    return dict(pairs)


async def _body(headers: Mapping[str, str], receive: Receive, bytes_max: int) -> bytes:
    """The whole body; of one which is too large no more than is needed to know."""
    too_large = NotHeard(Refusal.TOO_LARGE, f"The body may have {bytes_max} bytes.")
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
        raise _Gone
    return message


async def send_refusal(send: Send, refusal: NotHeard, challenge: str | None = None) -> None:
    """Say why, and with which status."""
    status = STATUS[refusal.reason]
    headers = []
    if refusal.reason in _HANG_UP:
        headers.append((b"connection", b"close"))
    if status == 401 and challenge:
        headers.append((b"www-authenticate", challenge.encode()))
    await _send(send, status, error_body(refusal), JSON, headers)


def error_body(refusal: NotHeard) -> bytes:
    """WeChat Pay's own form of an error, for all senders."""
    return orjson.dumps({"code": "FAIL", "message": refusal.message})


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
