# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging

import pytest

from stream.gateway.log_throttle import LOG_EVERY_S, LogThrottle, throttled_server_log

INVALID, FULL = "Invalid HTTP request received.", "Exceeded concurrency limit."


def record(message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", level, "", 0, message, (), None)


def test_garbage_on_the_port_is_said_once_a_minute() -> None:
    now_s = [0.0]
    once = LogThrottle(lambda: now_s[0])
    assert [once.filter(record(INVALID)) for _ in range(5_000)] == [True] + [False] * 4_999
    assert once.filter(record(FULL))
    assert once.filter(record(INVALID, logging.ERROR))

    now_s[0] = LOG_EVERY_S
    again = record(INVALID)
    assert once.filter(again)
    assert again.getMessage() == f"{INVALID} (4999 more suppressed)"


def test_it_holds_while_the_server_runs(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("uvicorn.error")
    with throttled_server_log():
        for _ in range(3):
            logger.warning(INVALID)
    assert [r.message for r in caplog.records] == [INVALID]
    logger.warning(INVALID)
    assert len(caplog.records) == 2
