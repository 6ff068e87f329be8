"""Requests signed with a key which the client and the gateway share.

Four headers: ``Shadowpoints-Client`` (its id), ``-Timestamp`` (Unix seconds), ``-Nonce`` (8 to 64
letters, digits, ``_`` and ``-``, new for every request) and ``-Signature``: HMAC-SHA256, in
hexadecimal, of timestamp, newline, nonce, newline and the body as it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from stream.gateway.doors.clients import Client
from stream.gateway.replays import Replays
from stream.wechat.heard import NotHeard, Refusal

CLIENT: Final = "shadowpoints-client"
TIMESTAMP: Final = "shadowpoints-timestamp"
NONCE: Final = "shadowpoints-nonce"
SIGNATURE: Final = "shadowpoints-signature"

SKEW_S: Final = 300  # as WeChat Pay allows
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


class Signatures:
    """Knows the clients, and which requests were accepted lately."""

    def __init__(self, clients: Mapping[str, Client], replays: Replays | None = None) -> None:
        self._clients = clients
        self._replays = replays or Replays(2 * SKEW_S * 1000)

    def client(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> Client:
        """The client which signed this request; raises ``NotHeard``."""
        given = {name: headers.get(name) for name in (CLIENT, TIMESTAMP, NONCE, SIGNATURE)}
        if missing := [name for name, value in given.items() if not value]:
            raise NotHeard(Refusal.UNAUTHORISED, f"The header {missing[0]} is missing.")
        client = self._clients.get(headers[CLIENT])
        if client is None:
            raise NotHeard(Refusal.UNKNOWN_KEY, "This client is not in the apps file.")
        timestamp, nonce = headers[TIMESTAMP], headers[NONCE]
        if not _TIMESTAMP.fullmatch(timestamp):
            raise NotHeard(Refusal.MALFORMED, f"{TIMESTAMP} must be whole seconds since 1970.")
        if not _NONCE.fullmatch(nonce):
            raise NotHeard(Refusal.MALFORMED, f"{NONCE} must be 8 to 64 of A-Z a-z 0-9 _ and -.")
        if not _is_signed(client, timestamp, nonce, body, headers[SIGNATURE]):
            raise NotHeard(
                Refusal.BAD_SIGNATURE,
                "The signature does not fit: check the key, and that the bytes which were signed "
                "are the bytes which were sent.",
            )
        if abs(now_ms - int(timestamp) * 1000) >= SKEW_S * 1000:
            raise NotHeard(
                Refusal.STALE, f"{TIMESTAMP} is {SKEW_S} s or more off our clock; sign it anew."
            )
        if self._replays.is_known(_name(client, nonce), now_ms):
            raise NotHeard(
                Refusal.REPLAYED,
                "This request was accepted before; sign a new one with a new nonce.",
            )
        return client

    def accepted(self, headers: Mapping[str, str], client: Client, now_ms: int) -> None:
        """Nobody can send this request again; one which failed may come again as it is."""
        self._replays.accept(_name(client, headers[NONCE]), b"", now_ms)


def signature(key: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """What stands in ``Shadowpoints-Signature``."""
    return hmac.new(
        key, b"%s\n%s\n%s" % (timestamp.encode(), nonce.encode(), body), hashlib.sha256
    ).hexdigest()


def _is_signed(client: Client, timestamp: str, nonce: str, body: bytes, given: str) -> bool:
    # All keys are tried, so that the time tells nothing about which one fits.
    fits = [
        hmac.compare_digest(signature(key, timestamp, nonce, body).encode(), given.lower().encode())
        for key in client.keys
    ]
    return any(fits)


def _name(client: Client, nonce: str) -> str:
    return f"{client.id} {nonce}"
