# SPDX-License-Identifier: Apache-2.0
"""Session tokens: encrypted identities that the gateway issues and clients cannot read or forge.

A token is a Fernet token (AES-128-CBC and HMAC-SHA256, github.com/fernet/spec) of a random session
id, the origin and the second in which it expires. Nothing is stored: every gateway with the same
key can open every token.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from stream.brand.clients import Client
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

KEY_BYTES_MIN: Final = 32
TOKEN_CHARS_MAX: Final = 1024  # ours have some 200; ids may be longer one day


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One login. ``expires_s`` is in seconds since the Unix epoch."""

    id: str
    appid: str
    openid: str
    expires_s: int


class SessionTokens:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._box = MultiFernet([Fernet(_derived(key)) for key in keys])

    def seal(self, session: Session, now_s: int) -> str:
        """The token of a session."""
        return self._box.encrypt_at_time(msgspec.msgpack.encode(session), now_s).decode()

    def origin(self, token: str | None, client: Client, now_ms: int, place: str) -> tuple[str, str]:
        """Appid and openid of a session that lasts, for one of the client's apps.

        Raises ``DeliveryRejected``; ``place`` is where the token was.
        """
        session = self.open(token) if token else None
        if session is None:
            raise DeliveryRejected(
                RejectReason.NO_SESSION, f"{place} is no session token; POST /sessions."
            )
        if session.expires_s * 1000 <= now_ms:
            raise DeliveryRejected(
                RejectReason.NO_SESSION, f"{place} has expired; POST /sessions again."
            )
        if session.appid not in client.appids:
            raise DeliveryRejected(
                RejectReason.NOT_ALLOWED, f"{place} is of an app that is not this client's."
            )
        return session.appid, session.openid

    def open(self, token: str) -> Session | None:
        """The session of a token, expired or not; ``None`` if it is none of our tokens."""
        if len(token) > TOKEN_CHARS_MAX or not token.isascii():
            return None
        try:
            return msgspec.msgpack.decode(self._box.decrypt(token), type=Session)
        except (InvalidToken, msgspec.MsgspecError):
            return None


def _derived(key: bytes) -> bytes:
    # Any length of the setting; ``person`` keeps other uses of it apart.
    made = blake2b(key, digest_size=32, person=b"session-token-1")
    return base64.urlsafe_b64encode(made.digest())
