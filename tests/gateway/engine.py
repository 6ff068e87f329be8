# SPDX-License-Identifier: Apache-2.0
"""The engine behind the gateway, in this process: it applies published events at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas import binary_headers, encode_data
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable
from stream.gateway.dependencies import Unavailable
from stream.wechat.delivery_result import OutboundEvent
from stream.worker.in_process import LocalEngine
from tests.gateway.endpoints.build import DIRECTORY, NOW_MS
from tests.scenarios import brand


@dataclass
class Engine:
    """Publishes for endpoints; ``lags`` until ``settle``; is ``away``; ``blind``: without Redis."""

    book: RuleBook = field(default_factory=brand.rules)
    directory: Directory = DIRECTORY
    events: list[OutboundEvent] = field(default_factory=list)
    lags: bool = False
    away: bool = False
    blind: bool = False
    local: LocalEngine = field(init=False)

    def __post_init__(self) -> None:
        self.local = LocalEngine(self.book, self.directory)
        self.local.clock_ms = NOW_MS + 10_000

    @property
    def accounts(self) -> AccountLookup:
        return _AccountLookup(self)

    async def __call__(self, events: Sequence[OutboundEvent]) -> None:
        if self.away:
            raise Unavailable
        for event in events:
            self.events.append(event)
            headers = binary_headers(event.type, event.id, "urn:example:gateway", event.time)
            self.local.publish(event.topic, event.id.encode(), encode_data(event.data), headers)
        if not self.lags:
            await self.settle()

    async def settle(self) -> None:
        await self.local.settle_async()


class _AccountLookup(AccountLookup):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.local.tables, engine.local.partitions)
        self._engine = engine

    async def account_of(self, key: str) -> tuple[str, Account] | None:
        if self._engine.blind:
            raise LookupUnavailable
        return await super().account_of(key)
