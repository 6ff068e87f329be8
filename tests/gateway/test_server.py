# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket

import pytest

from stream.config.settings import SettingsInvalid
from stream.gateway.app import gateway_app
from stream.gateway.server import GatewayServer, http_config, listen
from tests.gateway.http import served, settings_of, until
from tests.services.process import free_ports


class EventPublisher:
    """Stands where Kafka is."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    async def ready(self) -> bool:
        return self.answers


async def test_it_is_ready_while_it_serves_and_kafka_answers() -> None:
    async with served() as gateway:
        ready = gateway.server.ready
        await until(lambda: gateway.server.started)
        assert await ready(EventPublisher(True)) == []
        assert await ready(EventPublisher(False)) == ["Kafka does not answer"]
        gateway.server.should_exit = True
        assert await ready(EventPublisher(True)) == ["the gateway is ending"]


async def test_it_is_not_ready_before_it_listens() -> None:
    async with served() as gateway:
        settings = settings_of()
        fresh = GatewayServer(http_config(settings, gateway_app([], gateway.context)))
        assert await fresh.ready(EventPublisher(True)) == ["the gateway is starting"]


def test_a_port_that_is_taken_is_reported_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SettingsInvalid, match="GATEWAY_PORT: Address already in use"):
            listen(settings_of(GATEWAY_PORT=port))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families_of_addresses_are_listened_on(host: str) -> None:
    (port,) = free_ports(1)
    with listen(settings_of(GATEWAY_HOST=host, GATEWAY_PORT=str(port))) as listener:
        assert listener.getsockname()[:2] == (host, port)


def test_nothing_of_a_request_is_logged_by_the_server() -> None:
    config = http_config(settings_of(), None)  # type: ignore[arg-type]

    assert config.access_log is False
    assert config.log_config is None
    assert config.proxy_headers is False
