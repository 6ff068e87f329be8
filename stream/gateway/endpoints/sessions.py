# SPDX-License-Identifier: Apache-2.0
"""``POST /sessions``: exchanges a mini-program's login code for a session token.

The body is ``{"appid", "js_code"}``, signed; the response ``{"token", "expires_at"}``. The login
event is in Kafka before the response. A login takes one event from the client's rate before WeChat
is asked, and one from the client's and the person's before it is published.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
import orjson

from schemas import format_time, time_from_ms
from schemas.mini_program import SESSION_LOGGED_IN, SessionLoggedIn
from schemas.topics import TOPIC_MINI_PROGRAM
from stream.brand.clients import Client, ClientKind
from stream.gateway.dependencies import Publish
from stream.gateway.endpoint import Delivery, Response
from stream.gateway.endpoints.code2session import logged_in
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.gateway.json_http_client import JsonClient
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

CODE_CHARS_MAX: Final = 256
LIFETIME_S: Final = 7_200  # as long as WeChat's own tokens


class LoginRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body: the code that ``wx.login`` gave in this mini-program."""

    appid: str
    js_code: str


class SessionToken(msgspec.Struct, frozen=True):
    """The response. ``expires_at`` is in UTC, RFC 3339."""

    token: str
    expires_at: str


class SessionsHandler:
    """Handles ``POST /sessions``. ``app_secrets`` are the AppSecrets by appid."""

    def __init__(
        self,
        publish: Publish,
        signatures: RequestSignatures,
        tokens: SessionTokens,
        wechat: JsonClient,
        app_secrets: Mapping[str, str],
        limits: RateLimits,
        lifetime_s: int = LIFETIME_S,
    ) -> None:
        self._publish = publish
        self._signatures = signatures
        self._tokens = tokens
        self._wechat = wechat
        self._app_secrets = app_secrets
        self._limits = limits
        self._lifetime_s = lifetime_s

    async def handle(self, delivery: Delivery) -> Response:
        """Raises ``DeliveryRejected``."""
        client = self._signatures.client(delivery.headers, delivery.body, delivery.now_ms)
        login = _read(delivery.body)
        secret = self._secret(client, login.appid)
        self._limits.take(client, [(None, 1)], delivery.now_ms)
        who = await logged_in(self._wechat, login.appid, secret, login.js_code)
        self._limits.take(client, [((who.appid, who.openid), 1)], delivery.now_ms)
        id_ = secrets.token_hex(16)
        await self._publish([_event(id_, who, delivery.now_ms)])
        self._signatures.accepted(delivery.headers, client, delivery.now_ms)
        if who.is_snapshot_user:
            raise DeliveryRejected(
                RejectReason.NOT_ALLOWED,
                "This is a snapshot user, whose ids many people share; ask for a real login.",
            )
        return self._respond(id_, who, delivery.now_ms // 1000)

    def _secret(self, client: Client, appid: str) -> str:
        if client.kind is ClientKind.TILL or appid not in client.appids:
            raise DeliveryRejected(
                RejectReason.NOT_ALLOWED, "$.appid is not among this client's apps."
            )
        if appid not in self._app_secrets:
            raise DeliveryRejected(
                RejectReason.NOT_ALLOWED, "The apps file has no secret_env for $.appid."
            )
        return self._app_secrets[appid]

    def _respond(self, id_: str, who: SessionLoggedIn, now_s: int) -> Response:
        expires_s = now_s + self._lifetime_s
        token = self._tokens.seal(Session(id_, who.appid, who.openid, expires_s), now_s)
        body = SessionToken(token, format_time(time_from_ms(expires_s * 1000)))
        return Response("session", msgspec.json.encode(body), status=201)


def _read(body: bytes) -> LoginRequest:
    try:
        login = msgspec.convert(orjson.loads(body), LoginRequest)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        raise DeliveryRejected(
            RejectReason.MALFORMED, "$ must be an object with appid and js_code."
        ) from None
    if not 0 < len(login.js_code) <= CODE_CHARS_MAX:
        raise DeliveryRejected(RejectReason.MALFORMED, "$.js_code must be the code from wx.login.")
    return login


def _event(id_: str, who: SessionLoggedIn, now_ms: int) -> OutboundEvent:
    if who.is_snapshot_user:
        who = who.model_copy(update={"unionid": None})  # a virtual one identifies nobody
    return OutboundEvent(
        TOPIC_MINI_PROGRAM, SESSION_LOGGED_IN, f"session:{id_}", time_from_ms(now_ms), who
    )
