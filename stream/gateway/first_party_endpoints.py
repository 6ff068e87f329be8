# SPDX-License-Identifier: Apache-2.0
"""Builds the first-party endpoints and the offer lookup that the apps file configures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from stream.brand.brand import Brand
from stream.brand.clients import Right
from stream.config.settings import Settings
from stream.engine.model.time_checks import Horizons
from stream.gateway.account_lookup import AccountLookup
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoints.consumers import ConsumersHandler
from stream.gateway.endpoints.events import EventsHandler
from stream.gateway.endpoints.pretix import ORGANIZER, PretixHandler
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.gateway.endpoints.sessions import SessionsHandler
from stream.gateway.endpoints.tracks import TracksHandler
from stream.gateway.engine_age import EngineAge
from stream.gateway.json_http_client import JsonClient
from stream.gateway.live_offers import LiveOffers
from stream.lookup.open_tables import tables_of

_BASIC: Final = 'Basic realm="shadowpoints", charset="UTF-8"'


@asynccontextmanager
async def account_lookup(settings: Settings) -> AsyncIterator[AccountLookup]:
    """Reads the engine's accounts; works without Redis, now or later."""
    accounts = AccountLookup(tables_of(settings), settings.partitions)
    try:
        yield accounts
    finally:
        await accounts.close()


def live_offers(accounts: AccountLookup, dependencies: Dependencies) -> LiveOffers:
    """Finds the text of live offers."""
    return LiveOffers(accounts, dependencies.now_ms)


@asynccontextmanager
async def first_party_endpoints(
    settings: Settings, brand: Brand, accounts: AccountLookup, dependencies: Dependencies
) -> AsyncIterator[Sequence[Endpoint]]:
    """One endpoint for each section of the apps file that configures one."""
    config, endpoints = brand.first_party, list[Endpoint]()
    tokens = SessionTokens(config.session_keys) if config.session_keys else None
    async with AsyncExitStack() as stack:
        if config.clients:
            signatures = RequestSignatures(config.clients)
            horizons = Horizons(settings.horizon_days, settings.payment_horizon_days)
            limits = RateLimits(
                session_per_s=settings.gateway_session_events_per_s,
                client_per_s=settings.gateway_client_events_per_s,
            )
            events = EventsHandler(
                dependencies, signatures, tokens, brand.directory, horizons, limits
            )
            endpoints.append(Endpoint("events", "/events", events.handle))
            if any(Right.LOOK_UP in client.rights for client in config.clients.values()):
                age = await stack.enter_async_context(EngineAge(settings, accounts))
                consumers = ConsumersHandler(
                    dependencies,
                    signatures,
                    tokens,
                    brand.directory,
                    horizons,
                    limits,
                    accounts,
                    age.age_s,
                    settings.gateway_lookup_age_max_s,
                )
                endpoints.append(consumers.endpoint())
            if tokens is not None:
                tracks = TracksHandler(
                    dependencies, config.clients, tokens, brand.directory, horizons, limits
                )
                endpoints.append(tracks.endpoint())
                wechat = JsonClient(settings.wechat_api_url)
                stack.push_async_callback(wechat.close)
                secrets = {appid: app.secret for appid, app in brand.secrets.items()}
                sessions = SessionsHandler(
                    dependencies.publish, signatures, tokens, wechat, secrets, limits
                )
                endpoints.append(Endpoint("sessions", "/sessions", sessions.handle))
        if config.shops:
            pretix = PretixHandler(dependencies.publish, config.shops, accounts, tokens)
            stack.push_async_callback(pretix.close)
            path = f"/check-in/pretix/{{{ORGANIZER}}}"
            endpoints.append(Endpoint("pretix", path, pretix.handle, challenge=_BASIC))
        yield endpoints
