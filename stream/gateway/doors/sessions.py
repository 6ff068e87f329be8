"""``POST /sessions``: a mini-program's login becomes a token which says who it is.

The body is ``{"appid", "js_code"}``, signed; the answer ``{"token", "expires_at"}``. The login is
in Kafka before the answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
import orjson

from schemas import format_time, time_from_ms
from schemas.mini_program import SESSION_LOGGED_IN, SessionLoggedIn
from schemas.registry import TOPIC_MINI_PROGRAM
from stream.gateway.doors.clients import Client, ClientKind
from stream.gateway.doors.code2session import logged_in
from stream.gateway.doors.fetching import Fetcher
from stream.gateway.doors.signed import Signatures
from stream.gateway.doors.tokens import Session, Tokens
from stream.gateway.ports import Answer, Delivery, Publish
from stream.wechat.heard import NotHeard, Outgoing, Refusal

LIFETIME_S: Final = 7_200  # as long as WeChat's own tokens


class _Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    appid: str
    js_code: str


class Sessions:
    """Handles ``POST /sessions``. ``app_secrets`` are the AppSecrets by appid."""

    def __init__(
        self,
        publish: Publish,
        signatures: Signatures,
        tokens: Tokens,
        wechat: Fetcher,
        app_secrets: Mapping[str, str],
        lifetime_s: int = LIFETIME_S,
    ) -> None:
        self._publish = publish
        self._signatures = signatures
        self._tokens = tokens
        self._wechat = wechat
        self._app_secrets = app_secrets
        self._lifetime_s = lifetime_s

    async def handle(self, delivery: Delivery) -> Answer:
        """Raises ``NotHeard``."""
        client = self._signatures.client(delivery.headers, delivery.body, delivery.now_ms)
        login = _read(delivery.body)
        secret = self._secret(client, login.appid)
        who = await logged_in(self._wechat, login.appid, secret, login.js_code)
        id_ = secrets.token_hex(16)
        await self._publish([_event(id_, who, delivery.now_ms)])
        self._signatures.accepted(delivery.headers, client, delivery.now_ms)
        if who.is_snapshot_user:
            raise NotHeard(
                Refusal.NOT_ALLOWED,
                "This is a visitor's view with ids shared by many people; ask for a real login.",
            )
        return self._answer(id_, who, delivery.now_ms // 1000)

    def _secret(self, client: Client, appid: str) -> str:
        if client.kind is ClientKind.TILL or appid not in client.appids:
            raise NotHeard(Refusal.NOT_ALLOWED, "$.appid is not among this client's apps.")
        if appid not in self._app_secrets:
            raise NotHeard(Refusal.NOT_ALLOWED, "The apps file has no secret_env for $.appid.")
        return self._app_secrets[appid]

    def _answer(self, id_: str, who: SessionLoggedIn, now_s: int) -> Answer:
        expires_s = now_s + self._lifetime_s
        token = self._tokens.seal(Session(id_, who.appid, who.openid, expires_s), now_s)
        told = {"token": token, "expires_at": format_time(time_from_ms(expires_s * 1000))}
        return Answer("session", orjson.dumps(told), status=201)


def _read(body: bytes) -> _Login:
    try:
        login = msgspec.convert(orjson.loads(body), _Login)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        raise NotHeard(Refusal.MALFORMED, "$ must be an object of appid and js_code.") from None
    if not 0 < len(login.js_code) <= 256:
        raise NotHeard(Refusal.MALFORMED, "$.js_code must be what wx.login gave.")
    return login


def _event(id_: str, who: SessionLoggedIn, now_ms: int) -> Outgoing:
    if who.is_snapshot_user:
        who = who.model_copy(update={"unionid": None})  # a virtual one, it says nothing
    return Outgoing(
        TOPIC_MINI_PROGRAM, SESSION_LOGGED_IN, f"session:{id_}", time_from_ms(now_ms), who
    )
