# SPDX-License-Identifier: Apache-2.0
"""``POST /events``: events that the brand's till, servers and mini-programs report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from stream.brand.clients import Client, ClientKind
from stream.engine.model.directory import Directory
from stream.engine.model.time_checks import Horizons
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Delivery, Response
from stream.gateway.endpoints.batch_parser import Sender, check_events, read_batch
from stream.gateway.endpoints.event_results import EventResult, Status
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.wechat.delivery_result import DeliveryRejected, RejectReason


class EventsHandler:
    """Handles ``POST /events``; ``tokens`` is ``None`` if no key for them is configured."""

    def __init__(
        self,
        dependencies: Dependencies,
        signatures: RequestSignatures,
        tokens: SessionTokens | None,
        directory: Directory,
        horizons: Horizons,
        limits: RateLimits,
    ) -> None:
        self._dependencies, self._horizons, self._limits = dependencies, horizons, limits
        self._signatures = signatures
        self._tokens = tokens
        self._directory = directory

    async def handle(self, delivery: Delivery) -> Response:
        """Respond with a result for each event; ``DeliveryRejected`` is for the whole request.

        200: no event was rejected. 207: some were, and would be again. 422: all were.
        """
        client = self._signatures.client(delivery.headers, delivery.body, delivery.now_ms)
        batch = read_batch(delivery.body)
        origin = self._origin(client, batch.token, delivery.now_ms)
        self._limits.take(client, [(origin, len(batch.events))], delivery.now_ms)
        sender = Sender(client, self._directory, delivery.now_ms, self._horizons, origin)
        results = check_events(batch.events, sender)
        events = {r.event.id: r.event for r in results if r.event is not None}
        if events:
            await self._dependencies.publish(tuple(events.values()))
        self._signatures.accepted(delivery.headers, client, delivery.now_ms)
        for result in results:
            self._dependencies.count_event(client.kind, result.reason or result.status)
        rejected = sum(result.status is Status.REJECTED for result in results)
        status = 422 if rejected == len(results) else 207 if rejected else 200
        return results_response(client, results, status)

    def _origin(self, client: Client, token: str | None, now_ms: int) -> tuple[str, str] | None:
        if client.kind is not ClientKind.SDK:
            if token is not None:
                raise DeliveryRejected(
                    RejectReason.MALFORMED, "$.token is for clients of kind sdk."
                )
            return None
        if self._tokens is None:  # the apps file lists no SDK without a key of sessions
            raise DeliveryRejected(RejectReason.NO_SESSION, "There are no sessions here.")
        return self._tokens.origin(token, client, now_ms, "$.token")


def results_response(client: Client, results: Sequence[EventResult], status: int) -> Response:
    """The result of each event, and how many there are of each kind."""
    counts = Counter(r.status for r in results)
    body: dict[str, Any] = {status.value: counts[status] for status in Status}
    body["results"] = [r.as_json() for r in results]
    return Response(f"events_{client.kind}", orjson.dumps(body), status=status)
