# SPDX-License-Identifier: Apache-2.0
"""The gateway's ASGI application: builds a brand's endpoints and routes requests to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from stream.brand.brand import Brand
from stream.config.settings import Settings
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import JSON, Endpoint
from stream.gateway.endpoint_app import STATUS, EndpointApp, GatewayContext, error_body
from stream.gateway.endpoints.wechat import PayHandler, PushHandler
from stream.gateway.first_party_endpoints import account_lookup, first_party_endpoints, live_offers
from stream.gateway.forwarder import Forwarder
from stream.wechat.delivery_result import DeliveryRejected, RejectReason


def gateway_app(endpoints: Sequence[Endpoint], context: GatewayContext) -> ASGIApp:
    """One application that routes to all endpoints; any other path is a 404, a method a 405.

    It is Starlette's router without the middleware of an application, which costs a request 5 %:
    an `EndpointApp` answers its own errors.
    """
    router = Router(
        [
            Route(endpoint.path, EndpointApp(endpoint, context), methods=list(endpoint.methods))
            for endpoint in endpoints
        ],
        redirect_slashes=False,  # WeChat follows no redirects
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = app  # within an application a router raises what it cannot route
        try:
            await router(scope, receive, send)
        except HTTPException as error:
            await _unrouted(error, context)(scope, receive, send)

    return app


def _unrouted(error: HTTPException, context: GatewayContext) -> Response:
    rejection = DeliveryRejected(RejectReason.UNKNOWN_PATH, "There is nothing here.")
    if error.status_code == STATUS[RejectReason.WRONG_METHOD]:
        rejection = DeliveryRejected(RejectReason.WRONG_METHOD, "Use a method in Allow.")
    context.reject("none", rejection)
    status = STATUS[rejection.reason]
    return Response(error_body(rejection), status, error.headers, media_type=JSON)


@asynccontextmanager
async def brand_endpoints(
    settings: Settings, brand: Brand, dependencies: Dependencies
) -> AsyncIterator[Sequence[Endpoint]]:
    """WeChat's endpoints and the first-party ones; closes their connections at exit."""
    async with (
        account_lookup(settings) as accounts,
        first_party_endpoints(settings, brand, accounts, dependencies) as first_party,
        _forwarder(settings, dependencies) as forwarder,
    ):
        within_s = settings.gateway_offer_within_s
        find = live_offers(accounts, dependencies).text if within_s else None
        to = brand.forwards
        pay = PayHandler(brand.merchants, dependencies, forwarder, to.pay)
        push = PushHandler(brand.push, dependencies, find, within_s, forwarder, to.push)
        yield [pay.endpoint(), push.endpoint(), *first_party]


@asynccontextmanager
async def _forwarder(settings: Settings, dependencies: Dependencies) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(
        settings.namespace, settings.gateway_forwards_max, dependencies.count_forward
    )
    try:
        yield forwarder
    finally:
        await forwarder.close()
