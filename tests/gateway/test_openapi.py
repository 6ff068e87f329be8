# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document is the code's, and the endpoints do what it says of any request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from stream.brand.clients import ClientKind, Right
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoints.consumers import ConsumersHandler
from stream.gateway.endpoints.events import EventsHandler
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.gateway.endpoints.sessions import SessionsHandler
from stream.gateway.json_http_client import JsonClient
from stream.gateway.openapi import document
from tests.gateway.endpoints.build import (
    APP,
    DIRECTORY,
    HORIZONS,
    MEI,
    NOW_MS,
    NOW_S,
    client,
    signed,
)
from tests.gateway.engine import Engine
from tests.gateway.http import served
from tests.services.wechat import WeChat
from tests.support import openapi


def _signed_by_us() -> dict[str, Any]:
    """The document without the headers, which the test writes itself: it signs what it sends."""
    found = document("0")
    for operations in found["paths"].values():
        for operation in operations.values():
            operation.pop("parameters", None)
    return found


SCHEMA = schemathesis.openapi.from_dict(_signed_by_us())
RIGHTS = frozenset({Right.LOOK_UP})
CLIENTS = [client(kind, rights=RIGHTS) for kind in ClientKind]
TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])
_nonces = count()


def test_the_committed_document_is_what_the_code_says() -> None:
    text = openapi.PATH.read_text("utf-8")
    assert text == openapi.wanted(), f"If that is intended, accept it with: {openapi.COMMAND}"


async def _serve(ports: list[int], started: Event, ended: Event) -> None:
    engine, signatures = Engine(), RequestSignatures({c.id: c for c in CLIENTS})
    dependencies = Dependencies(engine, lambda: NOW_MS)
    limits = RateLimits(session_per_s=10_000, client_per_s=10_000)
    secret = "0123456789abcdef0123456789abcdef"
    with WeChat() as wechat:
        wechat.add_app(APP, secret)
        fetcher = JsonClient(wechat.url, timeout_s=10, patience_s=20)
        events = EventsHandler(dependencies, signatures, TOKENS, DIRECTORY, HORIZONS, limits)
        sessions = SessionsHandler(engine, signatures, TOKENS, fetcher, {APP: secret}, limits)
        consumers = ConsumersHandler(
            dependencies,
            signatures,
            TOKENS,
            DIRECTORY,
            HORIZONS,
            limits,
            engine.accounts,
            lambda key: 0.0,
            10.0,
        )
        endpoints = [
            Endpoint("events", "/events", events.handle),
            Endpoint("sessions", "/sessions", sessions.handle),
            consumers.endpoint(),
        ]
        async with served(*endpoints, GATEWAY_ANSWER_WITHIN_S="4.8") as here:
            ports.append(here.port)
            started.set()
            await asyncio.to_thread(ended.wait)
        await fetcher.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The endpoints behind a port, in a thread: the caller is not asynchronous."""
    ports, started, ended = list[int](), Event(), Event()
    thread = Thread(target=lambda: asyncio.run(_serve(ports, started, ended)))
    thread.start()
    assert started.wait(20)
    yield f"http://127.0.0.1:{ports[0]}"
    ended.set()
    thread.join(20)


@SCHEMA.parametrize()
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_gets_an_answer_that_the_document_has(case: Case[Any], address: str) -> None:
    number = next(_nonces)
    who = CLIENTS[number % len(CLIENTS)]
    if who.kind is ClientKind.SDK and isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = TOKENS.seal(Session("s-1", *MEI, NOW_S + 60), NOW_S)
    body = json.dumps(case.body, default=str).encode()
    headers = signed(who, body, nonce=f"nonce-{number:06}") | {"content-type": "application/json"}
    case.headers.clear()
    response = case.call(address, headers=headers, data=body, json=None)
    # An event may be refused for what no schema says: its age, its app, its own contract.
    case.validate_response(response, excluded_checks=[positive_data_acceptance])
