# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from stream.config.settings import load_settings
from stream.resolver.shared_state import AccessToken, SharedState
from stream.tables import TablesUnavailable
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


async def test_one_process_lists_at_a_time_and_the_place_is_kept() -> None:
    shared, place = shared_at("memory://"), ("wxshop", "order_list")
    assert [await shared.begin_fill(*place, 60_000) for _ in range(2)] == [True, False]
    assert await shared.begin_fill("wxshop", "after_sale_list", 60_000)
    assert await shared.filled_until(*place) is None
    await shared.keep_filled(*place, 1_772_323_200_123)
    assert await shared.filled_until(*place) == 1_772_323_200_123
    assert await shared.filled_until("wxshop", "after_sale_list") is None
    await shared.extend_fill(*place, 1)
    await asyncio.sleep(0.01)
    assert await shared.begin_fill(*place, 60_000)


async def test_without_its_store_no_place_is_made_up() -> None:
    (port,) = free_ports(1)
    shared, place = shared_at(f"redis://127.0.0.1:{port}/0"), ("wxshop", "order_list")
    await shared.extend_fill(*place, 1)  # harmless
    for asked in (shared.begin_fill(*place, 1), shared.filled_until(*place)):
        with pytest.raises(TablesUnavailable):
            await asked
    with pytest.raises(TablesUnavailable):
        await shared.keep_filled(*place, 1)
    await shared.close()
