"""The ASGI application: a route for each door, and the same answer wherever there is none."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stream.gateway.entrance import STATUS, Entrance, Gate, error_body
from stream.gateway.ports import JSON, Door
from stream.wechat.heard import NotHeard, Refusal


def gateway_app(doors: Sequence[Door], gate: Gate) -> Starlette:
    """Doors as one application; it keeps no state but the gate's."""

    async def nowhere(request: Request, error: Exception) -> Response:
        refusal = NotHeard(Refusal.UNKNOWN_PLACE, "There is nothing here.")
        gate.refuse("none", refusal)
        return Response(error_body(refusal), STATUS[refusal.reason], media_type=JSON)

    app = Starlette(
        routes=[
            Route(door.path, Entrance(door, gate), methods=list(door.methods)) for door in doors
        ],
        exception_handlers={HTTPException: nowhere},
    )
    app.router.redirect_slashes = False  # WeChat follows no redirects
    return app
