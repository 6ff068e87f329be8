# SPDX-License-Identifier: Apache-2.0
"""Retry calls to Redis: which errors, how long to wait, and when to log it.

A worker without its state can only wait, while the input stays in Kafka. So there is no limit of
tries; cancelling the task ends them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable

from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    TimeoutError,
    TryAgainError,
)

from stream.tables.refusals import STUCK, error_code, unverified, why_waiting

BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 2.0
LOG_EVERY_S = 5.0

_PASSING = (
    ConnectionError,  # LOADING among them
    TimeoutError,
    OSError,
    ReadOnlyError,
    TryAgainError,
    ClusterDownError,
    AskError,  # and MOVED: a slot on its way to another node
    RedisClusterException,  # no node left to ask
    OutOfMemoryError,
    NoScriptError,
)
# Replies for which the client has no class of its own.
_PASSING_CODES = frozenset({"BUSY", "MISCONF", "NOREPLICAS"})

logger = logging.getLogger(__name__)


def passing(error: Exception) -> bool:
    """Whether the same request can succeed later."""
    if isinstance(error, AuthenticationError):  # to the client a kind of ConnectionError
        return False
    if unverified(error):
        return False
    return isinstance(error, _PASSING) or error_code(error) in _PASSING_CODES


class Retry:
    """Runs an attempt until it succeeds; one per client, so that its log lines stay few."""

    def __init__(self, on_retry: Callable[[Exception], None] | None = None) -> None:
        self._on_retry = on_retry
        self._logged_s = -math.inf

    async def __call__(
        self,
        attempt: Callable[[], Awaitable[None]],
        recover: Callable[[Exception], Awaitable[None]],
    ) -> None:
        """Try, wait, recover, try again.

        ``recover`` gets the error before each new try and may fail like an attempt. Raises
        what no later attempt could change.
        """
        began_s = time.monotonic()
        error: Exception | None = None
        for tries in itertools.count():
            try:
                if error is not None:
                    await recover(error)
                await attempt()
            except Exception as failure:
                if not passing(failure):
                    raise
                error = failure
            else:
                break
            if self._on_retry is not None:
                self._on_retry(error)
            if tries or not isinstance(error, NoScriptError):  # a restarted Redis needs no pause
                self._warn(error)
                await asyncio.sleep(_pause_s(tries))
        if error is not None:
            logger.info("Redis serves again after %.1f s", time.monotonic() - began_s)

    def _warn(self, error: Exception) -> None:
        now_s = time.monotonic()
        if now_s - self._logged_s < LOG_EVERY_S:
            return
        self._logged_s = now_s
        if error_code(error) in STUCK:
            logger.error("%s", why_waiting(error))
        else:
            logger.warning("%s; trying until it does", why_waiting(error))


def _pause_s(tries: int) -> float:
    longest_s: float = min(BACKOFF_FIRST_S * 2 ** min(tries, 16), BACKOFF_MAX_S)
    return longest_s * random.uniform(0.5, 1.0)
