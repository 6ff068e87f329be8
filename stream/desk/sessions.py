# SPDX-License-Identifier: Apache-2.0
"""Who may look: a token opens a session, which a signed cookie carries."""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from stream.config.settings import SettingsInvalid

COOKIE: Final = "shadowpoints-desk"
SESSION_S: Final = 8 * 3_600
TOKEN_CHARS_MIN: Final = 16
#: Wrong tokens within a minute, of all visitors; then none is looked at.
TRIES_MAX: Final = 10
_TRIES_S: Final = 60.0


def read_token(path: Path) -> str:
    """The token in a file, its only line; raises ``SettingsInvalid``."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, ValueError):
        raise SettingsInvalid([f"{path} cannot be read; it must hold a token."]) from None
    if len(token) < TOKEN_CHARS_MIN or len(token.split()) != 1:
        raise SettingsInvalid(
            [
                f"{path} must hold one token of at least {TOKEN_CHARS_MIN} characters; "
                f"make one: openssl rand -hex 32 > {path}"
            ]
        )
    return token


class TooManyTries(Exception):
    """So many tokens were wrong that none is looked at for a while."""


class Gate:
    """Compares tokens, in a time that does not depend on where they differ."""

    def __init__(self, token: str, clock_s: Callable[[], float]) -> None:
        self._digest, self._clock_s = sha256(token.encode()).digest(), clock_s
        self._wrong: deque[float] = deque(maxlen=TRIES_MAX)

    def opens(self, token: str) -> bool:
        """Whether this is the token; raises `TooManyTries`."""
        now_s = self._clock_s()
        if len(self._wrong) == TRIES_MAX and self._wrong[0] > now_s - _TRIES_S:
            raise TooManyTries
        if hmac.compare_digest(sha256(token.encode()).digest(), self._digest):
            return True
        self._wrong.append(now_s)
        return False


class Sessions:
    """Makes cookies and knows them again, until the process ends. It keeps nothing of them."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._key, self._clock_s = secrets.token_bytes(32), clock_s

    def new(self) -> str:
        """The value of a cookie."""
        expires = f"{self._clock_s() + SESSION_S:.0f}"
        return f"{expires}.{self._signature(expires)}"

    def knows(self, cookie: str) -> bool:
        """Whether it is one of ours that has not expired."""
        expires, _, signature = cookie.partition(".")
        ours = hmac.compare_digest(signature.encode(), self._signature(expires).encode())
        return ours and float(expires) > self._clock_s()

    def _signature(self, expires: str) -> str:
        return hmac.new(self._key, expires.encode(), sha256).hexdigest()
