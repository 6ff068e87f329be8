# SPDX-License-Identifier: Apache-2.0
"""Collect the happenings of a day, and give each its id, times and claim."""

from __future__ import annotations

from random import Random
from typing import Any

from schemas import official_account as oa
from stream.demo.clock import Clock
from stream.demo.people import Consumer
from stream.demo.wire import Happening, message_id
from stream.engine.model.ids import origin_key, union_key

#: Milliseconds between an event and its record, at most, without faults.
_DELAY_MS_MAX = 2_500
_PUSHES = frozenset(
    {
        oa.ACCOUNT_FOLLOWED,
        oa.ACCOUNT_UNFOLLOWED,
        oa.QRCODE_SCANNED,
        oa.MENU_CLICKED,
        oa.LINK_VIEWED,
    }
)


class Journal:
    """Collects happenings; ``rng`` decides, so equal seeds give equal days."""

    def __init__(self, rng: Random, clock: Clock) -> None:
        self.rng = rng
        self.clock = clock
        self.happenings: list[Happening] = []
        self.orders = 0
        self._pushes: set[tuple[str, str, int, str]] = set()

    def note(
        self,
        consumer: Consumer,
        type_: str,
        at_ms: int,
        data: dict[str, Any],
        *,
        key: str | None = None,
        arrives_ms: int | None = None,
    ) -> Happening:
        """Add a happening; its record arrives soon after, unless ``arrives_ms`` is given."""
        clock = self.clock
        at_ms = clock.clip(at_ms)
        if type_ in _PUSHES:
            at_ms = self._own_instant(type_, at_ms, data)
        if arrives_ms is None:
            arrives_ms = at_ms + 200 + int(self.rng.random() * _DELAY_MS_MAX)
        happening = Happening(
            type=type_,
            id=message_id(self.rng),
            source=f"urn:{consumer.brand.name}:{type_.partition('.')[0]}",
            at_ms=at_ms,
            arrives_ms=clock.clip(max(at_ms, arrives_ms)),
            data=data,
            key=key,
            claim=claim_of(consumer, data),
        )
        self.happenings.append(happening)
        return happening

    def _own_instant(self, type_: str, at_ms: int, data: dict[str, Any]) -> int:
        # A push has no id of its own: two which are equal to the second would be one event.
        while (push := (type_, data["openid"], at_ms, data.get("event_key", ""))) in self._pushes:
            at_ms -= 1_000
        self._pushes.add(push)
        return at_ms

    def order_number(self) -> str:
        """A merchant's number for an order."""
        self.orders += 1
        return f"SO{self.clock.start // 86_400_000}{self.orders:08d}"

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability


def claim_of(consumer: Consumer, data: dict[str, Any]) -> tuple[str, str] | None:
    """The bind which the event is evidence of: it names an origin and a Union ID."""
    if "openid" not in data or "unionid" not in data or data.get("is_snapshot_user"):
        return None
    return (
        origin_key(data["appid"], data["openid"]),
        union_key(consumer.brand.open_account, data["unionid"]),
    )
