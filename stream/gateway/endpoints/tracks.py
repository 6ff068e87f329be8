# SPDX-License-Identifier: Apache-2.0
"""``/analytics/{client}``: the ``server_url`` of a Sensors SDK (神策), which cannot sign.

A session token says whose tracks they are: ``token`` in the query of the ``server_url``, or the
property ``session_token`` of a track. The response is 200 whatever becomes of single tracks: an SDK
cannot mend them, and some SDKs send a refused request for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from stream.brand.clients import Client, ClientKind
from stream.engine.model.directory import Directory
from stream.engine.model.time_checks import Horizons
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Delivery, Endpoint, Response
from stream.gateway.endpoints.batch_parser import Sender, check_each
from stream.gateway.endpoints.event_results import EventRejected, Reason
from stream.gateway.endpoints.events import results_response
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.gateway.endpoints.track_parser import read_tracks
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

TOKEN: Final = "session_token"
#: A hundred tracks, in Base64 and escaped, as a mini-program sends them when it is online again.
BODY_BYTES_MAX: Final = 262_144

_Origin = tuple[str, str]


class TracksHandler:
    """Handles requests of the SDKs of mini-programs, web pages and Python."""

    def __init__(
        self,
        dependencies: Dependencies,
        clients: Mapping[str, Client],
        tokens: SessionTokens,
        directory: Directory,
        horizons: Horizons,
        limits: RateLimits,
    ) -> None:
        self._dependencies, self._horizons, self._limits = dependencies, horizons, limits
        self._clients, self._tokens, self._directory = clients, tokens, directory

    def endpoint(self) -> Endpoint:
        return Endpoint(
            "analytics",
            "/analytics/{client}",
            self.handle,
            methods=("GET", "POST"),
            any_origin=True,
            body_bytes_max=BODY_BYTES_MAX,
        )

    async def handle(self, delivery: Delivery) -> Response:
        """Respond with a result for each track; ``DeliveryRejected`` is for the whole request."""
        client = self._clients.get(delivery.path_params["client"])
        if client is None or client.kind is not ClientKind.SDK:
            raise DeliveryRejected(
                RejectReason.UNKNOWN_ACCOUNT, "The apps file has no client of kind sdk by this id."
            )
        tracks = read_tracks(delivery.query, delivery.body)
        sessions = _Sessions(self._tokens, client, delivery)
        origins = [sessions.origin_of(track) for track in tracks]
        known = Counter(origin for origin in origins if isinstance(origin, tuple))
        if not known:
            assert isinstance(origins[0], DeliveryRejected)
            raise origins[0]
        self._limits.take(client, known.items(), delivery.now_ms)
        senders = {
            origin: Sender(client, self._directory, delivery.now_ms, self._horizons, origin)
            for origin in known
        }

        def sender_of(track: object, place: str) -> Sender:
            origin = sessions.origin_of(track)
            if isinstance(origin, DeliveryRejected):
                raise EventRejected(Reason.NO_SESSION, f"{place}: {origin.message}")
            return senders[origin]

        results = check_each(tracks, sender_of, "$")
        events = {r.event.id: r.event for r in results if r.event is not None}
        if events:
            await self._dependencies.publish(tuple(events.values()))
        for result in results:
            self._dependencies.count_event(client.kind, result.reason or result.status)
        return results_response(client, results, 200)


class _Sessions:
    """Whose each track of a request is; opens each token once."""

    def __init__(self, tokens: SessionTokens, client: Client, delivery: Delivery) -> None:
        self._tokens, self._client, self._now_ms = tokens, client, delivery.now_ms
        self._of_all = delivery.query.get("token")
        self._known: dict[str | None, _Origin | DeliveryRejected] = {}

    def origin_of(self, track: object) -> _Origin | DeliveryRejected:
        token, place = self._of_all, "token"
        properties = track.get("properties") if isinstance(track, dict) else None
        own = properties.get(TOKEN) if isinstance(properties, dict) else None
        if isinstance(own, str):
            token, place = own, TOKEN
        if token not in self._known:
            self._known[token] = self._opened(token, place)
        return self._known[token]

    def _opened(self, token: str | None, place: str) -> _Origin | DeliveryRejected:
        try:
            return self._tokens.origin(token, self._client, self._now_ms, place)
        except DeliveryRejected as rejection:
            return rejection
