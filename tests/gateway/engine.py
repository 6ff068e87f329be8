"""The engine behind the gateway, in this process: what is published to it is applied at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas import binary_headers, encode_data
from stream.engine.directory import Directory
from stream.engine.ruleset import RuleBook
from stream.gateway.people import People
from stream.gateway.ports import Unavailable
from stream.local import LocalEngine
from stream.wechat.heard import Outgoing
from tests.gateway.doors.build import DIRECTORY, NOW_MS
from tests.scenarios import brand


@dataclass
class Engine:
    """Publishes for doors; ``lags`` until ``settle``, or is ``away``."""

    book: RuleBook = field(default_factory=brand.rules)
    directory: Directory = DIRECTORY
    events: list[Outgoing] = field(default_factory=list)
    lags: bool = False
    away: bool = False
    local: LocalEngine = field(init=False)

    def __post_init__(self) -> None:
        self.local = LocalEngine(self.book, self.directory)
        self.local.clock_ms = NOW_MS + 10_000

    @property
    def people(self) -> People:
        return People(self.local.tables, self.local.partitions)

    async def __call__(self, events: Sequence[Outgoing]) -> None:
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
