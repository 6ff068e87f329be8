# SPDX-License-Identifier: Apache-2.0
"""Verifies requests that a client signs with a key it shares with the gateway.

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

from stream.brand.clients import Client
from stream.gateway.replay_protection import ReplayProtection
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

CLIENT: Final = "shadowpoints-client"
TIMESTAMP: Final = "shadowpoints-timestamp"
NONCE: Final = "shadowpoints-nonce"
SIGNATURE: Final = "shadowpoints-signature"

SKEW_S: Final = 300  # as WeChat Pay allows
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


class RequestSignatures:
    """Verifies signatures of known clients, and rejects replays."""

    def __init__(
        self, clients: Mapping[str, Client], replays: ReplayProtection | None = None
    ) -> None:
        self._clients = clients
        self._replays = replays or ReplayProtection(2 * SKEW_S * 1000)

    def client(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> Client:
        """The client that signed this request; raises ``DeliveryRejected``."""
        given = {name: headers.get(name) for name in (CLIENT, TIMESTAMP, NONCE, SIGNATURE)}
        if missing := [name for name, value in given.items() if not value]:
            raise DeliveryRejected(
                RejectReason.UNAUTHORISED, f"The header {missing[0]} is missing."
            )
        client = self._clients.get(headers[CLIENT])
        if client is None:
            raise DeliveryRejected(RejectReason.UNKNOWN_KEY, "This client is not in the apps file.")
        timestamp, nonce = headers[TIMESTAMP], headers[NONCE]
        if not _TIMESTAMP.fullmatch(timestamp):
            raise DeliveryRejected(
                RejectReason.MALFORMED, f"{TIMESTAMP} must be whole seconds since 1970."
            )
        if not _NONCE.fullmatch(nonce):
            raise DeliveryRejected(
                RejectReason.MALFORMED, f"{NONCE} must be 8 to 64 of A-Z a-z 0-9 _ and -."
            )
        if not _is_signed(client, timestamp, nonce, body, headers[SIGNATURE]):
            raise DeliveryRejected(
                RejectReason.BAD_SIGNATURE,
                "The signature does not match: check the key, and that the signed bytes are the "
                "bytes that were sent.",
            )
        if abs(now_ms - int(timestamp) * 1000) >= SKEW_S * 1000:
            raise DeliveryRejected(
                RejectReason.STALE,
                f"{TIMESTAMP} is {SKEW_S} s or more off our clock; sign the request again.",
            )
        if self._replays.is_known(_replay_key(client, nonce), now_ms):
            raise DeliveryRejected(
                RejectReason.REPLAYED,
                "This request was accepted before; sign a new one with a new nonce.",
            )
        return client

    def accepted(self, headers: Mapping[str, str], client: Client, now_ms: int) -> None:
        """Reject this request from now on; a failed one may be sent again unchanged."""
        self._replays.remember(_replay_key(client, headers[NONCE]), b"", now_ms)


def signature(key: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """The value of ``Shadowpoints-Signature``."""
    return hmac.new(
        key, b"%s\n%s\n%s" % (timestamp.encode(), nonce.encode(), body), hashlib.sha256
    ).hexdigest()


def _is_signed(client: Client, timestamp: str, nonce: str, body: bytes, given: str) -> bool:
    # Try all keys, so that the time does not show which one matches.
    matches = [
        hmac.compare_digest(signature(key, timestamp, nonce, body).encode(), given.lower().encode())
        for key in client.keys
    ]
    return any(matches)


def _replay_key(client: Client, nonce: str) -> str:
    return f"{client.id} {nonce}"
