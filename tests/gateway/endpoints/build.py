# SPDX-License-Identifier: Apache-2.0
"""Clients, requests and people for tests of first-party endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas import format_time, time_from_ms
from stream.brand.clients import TYPES, Client, ClientKind
from stream.engine.model.directory import Directory
from stream.engine.model.time_checks import Horizons
from stream.gateway.dependencies import Unavailable
from stream.gateway.endpoint import Delivery
from stream.gateway.endpoints.request_signatures import signature
from stream.wechat.delivery_result import OutboundEvent

NOW_MS = 1_772_323_200_000  # 2026-03-01 08:00 in Beijing
NOW_S = NOW_MS // 1000
MCHID = "1900000001"
APP, OTHER_APP = "wx1a2b3c4d5e6f7a02", "wx9f8e7d6c5b4a3b02"
MEI = (APP, "oMei0000000000000000000000002")
DIRECTORY = Directory(
    {APP: "abc-brand", OTHER_APP: "fit-brand"}, appids=frozenset({APP, OTHER_APP})
)
HORIZONS = Horizons(35, 366)
KEYS = {kind: f"{kind} key, thirty-two bytes at least".encode() for kind in ClientKind}


def client(kind: ClientKind, **changes: Any) -> Client:
    given: dict[str, Any] = {
        "id": f"{kind}-1",
        "kind": kind,
        "keys": (KEYS[kind],),
        "types": TYPES[kind],
        "appids": frozenset({APP}),
        "mchids": frozenset({MCHID}),
    }
    return Client(**given | changes)


TILL, BACKEND, SDK = client(ClientKind.TILL), client(ClientKind.BACKEND), client(ClientKind.SDK)
CLIENTS = {c.id: c for c in (TILL, BACKEND, SDK)}


def signed(
    who: Client, body: bytes, *, at_s: int = NOW_S, nonce: str = "nonce-0001", key: bytes = b""
) -> dict[str, str]:
    return {
        "shadowpoints-client": who.id,
        "shadowpoints-timestamp": str(at_s),
        "shadowpoints-nonce": nonce,
        "shadowpoints-signature": signature(key or who.keys[0], str(at_s), nonce, body),
    }


def delivery(
    body: bytes, headers: Mapping[str, str], *, now_ms: int = NOW_MS, **place: str
) -> Delivery:
    return Delivery("POST", place, {}, headers, body, now_ms)


def sent(who: Client, tree: object, *, now_ms: int = NOW_MS, nonce: str = "nonce-0001") -> Delivery:
    """A signed request with JSON."""
    body = orjson.dumps(tree)
    headers = signed(who, body, at_s=now_ms // 1000, nonce=nonce)
    return delivery(body, headers, now_ms=now_ms)


def at(ms: int = NOW_MS) -> str:
    return format_time(time_from_ms(ms))


def event(type_: str, data: Mapping[str, Any], id_: str = "e-1", time: str = "") -> dict[str, Any]:
    return {"id": id_, "type": type_, "time": time or at(), "data": dict(data)}


def page(path: str = "pages/menu", **more: Any) -> dict[str, Any]:
    return event("page.viewed.v1", {"path": path, "scene": 1011}, **more)


def track(name: str, properties: Any = None, **more: Any) -> dict[str, Any]:
    """As the SDK sends it, with all that it says of the device and of who it takes it for."""
    return {
        "type": "track",
        "event": name,
        "time": NOW_MS,
        "distinct_id": "oSomebodyElse00000000000000_1",
        "anonymous_id": "1772323200000-1234567-0b1f6b-12345678",
        "identities": {
            "$identity_mp_id": "oSomebodyElse00000000000000_1",
            "$identity_login_id": "member-7",
        },
        "_track_id": 383603200,
        "_flush_time": NOW_MS + 5_000,
        "lib": {"$lib": "MiniProgram"},
        "properties": {"$os": "iOS", "$url_query": "from=a", **(properties or {})},
    } | more


def payment(**changes: Any) -> dict[str, Any]:
    """A code shown at the till and scanned there: WeChat notifies nobody of it."""
    return {
        "appid": APP,
        "mchid": "1900000001",
        "payer": {"openid": MEI[1]},
        "transaction_id": "4200000000202603010000000001",
        "out_trade_no": "till-7-000001",
        "trade_type": "MICROPAY",
        "trade_state": "SUCCESS",
        "success_time": at(),
        "amount": {"total": 1850, "payer_total": 1850, "currency": "CNY"},
        **changes,
    }


@dataclass
class Published:
    """Stands where Kafka is: keeps what it is given, or does not acknowledge."""

    events: list[OutboundEvent] = field(default_factory=list)
    away: bool = False
    refused: int = 0  # how often it did not

    async def __call__(self, events: Sequence[OutboundEvent]) -> None:
        if self.away:
            self.refused += 1
            raise Unavailable
        self.events += events
