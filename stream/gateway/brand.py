"""All doors of a brand, and what they need while they are open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stream.gateway.own import live_offers, own_doors, people_of
from stream.gateway.ports import Door, Ports
from stream.gateway.wechat import PushDoor, pay_door
from stream.rules.brand import Brand
from stream.settings import Settings


@asynccontextmanager
async def brand_doors(
    settings: Settings, brand: Brand, ports: Ports
) -> AsyncIterator[Sequence[Door]]:
    """WeChat's doors, and the brand's own."""
    async with (
        people_of(settings) as people,
        own_doors(settings, brand, people, ports) as own,
    ):
        within_s = settings.gateway_offer_within_s
        find = live_offers(settings, people, ports).text if within_s else None
        push = PushDoor(brand.push, ports, find, within_s)
        yield [pay_door(brand.merchants, ports), push.door(), *own]
