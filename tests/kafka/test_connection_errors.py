# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from stream.config.settings import Settings, load_settings
from stream.kafka.connection_errors import TopicsUnfit, opening
from tests.services.process import free_ports


class Client:
    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


def nobody_there() -> Settings:
    (port,) = free_ports(1)
    return load_settings({"SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}"})


async def test_what_opens_stays_open() -> None:
    client = Client()
    async with opening(nobody_there(), client.close):
        pass
    assert client.closed == 0


async def test_what_kafka_refuses_is_closed_and_reported_in_a_sentence() -> None:
    client = Client()
    with pytest.raises(TopicsUnfit) as unfit:
        async with opening(nobody_there(), client.close):
            raise ConnectionRefusedError(111)
    assert client.closed == 1
    (sentence,) = unfit.value.problems
    assert sentence.endswith(".")


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
async def test_whatever_else_happens_it_is_closed(error: type[BaseException]) -> None:
    client = Client()
    with pytest.raises(error):
        async with opening(nobody_there(), client.close):
            raise error
    assert client.closed == 1
