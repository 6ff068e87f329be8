"""The brand's own doors, and the offer in replies: made of the file of apps, and taken down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from stream.gateway.doors.events import Events
from stream.gateway.doors.fetching import Fetcher
from stream.gateway.doors.pretix import ORGANIZER, Pretix
from stream.gateway.doors.sessions import Sessions
from stream.gateway.doors.signed import Signatures
from stream.gateway.doors.tokens import Tokens
from stream.gateway.offers.live import LiveOffers
from stream.gateway.people import People
from stream.gateway.ports import Door, Ports
from stream.rules.brand import Brand
from stream.runtime.rulebook import rules_of
from stream.runtime.state import tables_of
from stream.settings import Settings

_BASIC: Final = 'Basic realm="shadowpoints", charset="UTF-8"'


@asynccontextmanager
async def people_of(settings: Settings) -> AsyncIterator[People]:
    """What the engine knows of people. Redis need not be there, now or later."""
    people = People(tables_of(settings), settings.partitions)
    try:
        yield people
    finally:
        await people.close()


def live_offers(settings: Settings, people: People, ports: Ports) -> LiveOffers:
    """Finds the text of live offers; raises ``FileInvalid`` for a rule file with problems."""
    return LiveOffers(people, rules_of(settings), ports.now_ms)


@asynccontextmanager
async def own_doors(
    settings: Settings, brand: Brand, people: People, ports: Ports
) -> AsyncIterator[Sequence[Door]]:
    """The doors which the file of apps asks for."""
    own, doors = brand.own, list[Door]()
    tokens = Tokens(own.session_keys) if own.session_keys else None
    async with AsyncExitStack() as stack:
        if own.clients:
            signatures = Signatures(own.clients)
            events = Events(ports, signatures, tokens, brand.directory)
            doors.append(Door("events", "/events", events.handle))
            if tokens is not None:
                wechat = Fetcher(settings.wechat_api_url)
                stack.push_async_callback(wechat.close)
                secrets = {appid: app.secret for appid, app in brand.secrets.items()}
                sessions = Sessions(ports.publish, signatures, tokens, wechat, secrets)
                doors.append(Door("sessions", "/sessions", sessions.handle))
        if own.shops:
            pretix = Pretix(ports.publish, own.shops, people, tokens)
            stack.push_async_callback(pretix.close)
            path = f"/check-in/pretix/{{{ORGANIZER}}}"
            doors.append(Door("pretix", path, pretix.handle, challenge=_BASIC))
        yield doors
