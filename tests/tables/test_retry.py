# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import logging

import pytest
from redis import exceptions as redis_errors

from stream.tables import retry as retry_module
from stream.tables.refusals import error_code
from stream.tables.retry import Retry, passing

DOWN = redis_errors.ConnectionError("down")
OOM = redis_errors.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "BACKOFF_FIRST_S", 0.0)
    monkeypatch.setattr(retry_module, "BACKOFF_MAX_S", 0.0)


class Script:
    """An attempt which fails with each of the errors in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.recovered: list[Exception] = []

    async def attempt(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    async def recover(self, error: Exception) -> None:
        self.recovered.append(error)


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        OOM,
        redis_errors.TimeoutError("slow"),
        redis_errors.BusyLoadingError("loading"),
        redis_errors.ReadOnlyError("replica"),
        redis_errors.TryAgainError("rehashing"),
        redis_errors.ClusterDownError("down"),
        redis_errors.MasterDownError("down"),
        redis_errors.MovedError("42 127.0.0.1:7000"),
        redis_errors.NoScriptError("no script"),
        redis_errors.ResponseError("MISCONF Errors writing to the AOF file"),
        redis_errors.ResponseError("NOREPLICAS Not enough good replicas to write."),
        redis_errors.ResponseError("BUSY Redis is busy running a script."),
        ConnectionResetError(),
    ],
)
def test_these_pass(error: Exception) -> None:
    assert passing(error)


@pytest.mark.parametrize(
    "error",
    [
        redis_errors.AuthenticationError("wrong"),
        redis_errors.NoPermissionError("no"),
        redis_errors.ResponseError("WRONGTYPE Operation against a key"),
        redis_errors.ResponseError("wrong number of arguments"),
        ValueError("a mistake of ours"),
    ],
)
def test_these_do_not(error: Exception) -> None:
    assert not passing(error)


def test_an_error_is_reported_without_what_it_quotes() -> None:
    quoting = redis_errors.ResponseError("unknown command 'x', with args: 'union.abc.o1'")
    assert error_code(quoting) == "ERR"
    assert error_code(redis_errors.ResponseError("WRONGTYPE Operation …")) == "WRONGTYPE"
    assert error_code(DOWN) == "ConnectionError"


async def test_it_tries_until_it_succeeds_and_reports_each_failure() -> None:
    script = Script(DOWN, OOM, DOWN)
    reported: list[Exception] = []
    await Retry(reported.append)(script.attempt, script.recover)
    assert script.errors == []
    assert script.recovered == reported == [DOWN, OOM, DOWN]


async def test_a_recovery_may_fail_like_an_attempt() -> None:
    script, recoveries = Script(DOWN), [OOM]

    async def recover(error: Exception) -> None:
        if recoveries:
            raise recoveries.pop()
        await script.recover(error)

    await Retry()(script.attempt, recover)
    assert script.recovered == [OOM]


async def test_what_cannot_pass_is_raised() -> None:
    script = Script(DOWN, ValueError("a mistake of ours"), DOWN)
    with pytest.raises(ValueError, match="a mistake of ours"):
        await Retry()(script.attempt, script.recover)
    assert script.errors == [DOWN]


async def test_cancelling_ends_it() -> None:
    async def attempt() -> None:
        await asyncio.sleep(0)
        raise DOWN

    script = Script()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await Retry()(attempt, script.recover)


async def test_pauses_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr(retry_module, "BACKOFF_FIRST_S", 1.0)
    monkeypatch.setattr(retry_module, "BACKOFF_MAX_S", 5.0)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    script = Script(*[DOWN] * 40)
    await Retry()(script.attempt, script.recover)
    longest = [1.0, 2.0, 4.0, *[5.0] * 37]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, longest, strict=True))
    assert len(set(pauses[3:])) > 1  # workers must not come back all at once


async def test_missing_scripts_are_loaded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    missing = redis_errors.NoScriptError("no script")
    once, for_ever = Script(missing), Script(*[missing] * 5)
    await Retry()(once.attempt, once.recover)
    assert pauses == []
    await Retry()(for_ever.attempt, for_ever.recover)
    assert len(pauses) == 4  # a proxy which loses scripts must not make us spin


async def test_a_long_outage_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = Script(*[DOWN] * 50)
    await Retry()(script.attempt, script.recover)
    assert [(entry.levelname, entry.getMessage()[:20]) for entry in caplog.records] == [
        ("WARNING", "Redis does not serve"),
        ("INFO", "Redis serves again a"),
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OOM, "raise maxmemory"),
        (redis_errors.ReadOnlyError("replica"), "must lead to the primary"),
        (redis_errors.ResponseError("MISCONF Errors writing to the AOF file"), "give it room"),
        (redis_errors.ResponseError("NOREPLICAS Not enough"), "min-replicas-to-write"),
    ],
)
async def test_what_somebody_must_mend_is_an_error_which_says_what_to_do(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(error)
    await Retry()(script.attempt, script.recover)
    (entry,) = caplog.records
    assert entry.levelname == "ERROR"
    assert words in entry.getMessage()
