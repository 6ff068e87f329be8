from __future__ import annotations

import pytest

from stream.config.settings import load_settings
from stream.resolver.shared_state import AccessToken, SharedState
from tests.services.process import free_ports

TOKEN = AccessToken("token-1", 60_000)


def shared_at(url: str) -> SharedState:
    return SharedState(load_settings({"SHADOWPOINTS_REDIS_URL": url}))


async def test_any_store_will_do() -> None:
    shared = shared_at("memory://")
    await shared.keep("wxmp", "secret", TOKEN, 0)
    assert await shared.token("wxmp", "secret") == TOKEN
    assert await shared.token("wxmp", "another") is None
    assert [await shared.begin_fetch("wxmp") for _ in range(2)] == [True, False]
    await shared.end_fetch("wxmp")
    assert await shared.begin_fetch("wxmp")
    assert [await shared.may_force("wxmp") for _ in range(2)] == [True, False]
    assert [await shared.count(1, "wxmp", "api") for _ in range(2)] == [1, 2]
    assert await shared.count(2, "wxmp", "api") == 1


async def test_without_its_store_a_process_goes_on_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (port,) = free_ports(1)
    shared = shared_at(f"redis://127.0.0.1:{port}/0")
    assert await shared.count(1, "wxmp", "api") == 0
    assert await shared.begin_fetch("wxmp")
    await shared.close()
    sentence = "Redis does not answer (ConnectionError); continuing without it"
    assert caplog.messages == [sentence, sentence]
