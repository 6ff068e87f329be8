# SPDX-License-Identifier: Apache-2.0
"""Limits uvicorn's warnings about bad requests to one a minute for each message."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LOG_EVERY_S: Final = 60.0
_LOGGER: Final = "uvicorn.error"


class LogThrottle(logging.Filter):
    """Passes each message once in :data:`LOG_EVERY_S`, with the number suppressed since.

    Errors always pass. Messages are constants in uvicorn's code, so there are few.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        self._logged: dict[str, tuple[float, int]] = {}  # message: when logged, suppressed since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        if record.levelno != logging.WARNING:
            return True
        message, now_s = str(record.msg), self._now_s()
        at_s, suppressed = self._logged.get(message, (float("-inf"), 0))
        if now_s - at_s < LOG_EVERY_S:
            self._logged[message] = (at_s, suppressed + 1)
            return False
        self._logged[message] = (now_s, 0)
        if suppressed:
            record.msg, record.args = f"{record.getMessage()} ({suppressed} more suppressed)", ()
        return True


@contextmanager
def throttled_server_log() -> Iterator[None]:
    """Throttle uvicorn's log while a server runs in this process."""
    throttle = LogThrottle()
    logger = logging.getLogger(_LOGGER)
    logger.addFilter(throttle)
    try:
        yield
    finally:
        logger.removeFilter(throttle)
