"""``POST /events``: what the brand's till, servers and mini-programs report themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from stream.engine.directory import Directory
from stream.gateway.doors.batches import Sender, judge, read_batch
from stream.gateway.doors.clients import Client, ClientKind
from stream.gateway.doors.judging import Judged, Status
from stream.gateway.doors.signed import Signatures
from stream.gateway.doors.tokens import Tokens
from stream.gateway.ports import Answer, Delivery, Ports
from stream.wechat.heard import NotHeard, Refusal


class Events:
    """Handles ``POST /events``; ``tokens`` is ``None`` where there is no key for them."""

    def __init__(
        self,
        ports: Ports,
        signatures: Signatures,
        tokens: Tokens | None,
        directory: Directory,
    ) -> None:
        self._ports = ports
        self._signatures = signatures
        self._tokens = tokens
        self._directory = directory

    async def handle(self, delivery: Delivery) -> Answer:
        """Answers for each event; raises ``NotHeard`` for the request as a whole.

        200: none was refused. 207: some were, and would be again.
        """
        client = self._signatures.client(delivery.headers, delivery.body, delivery.now_ms)
        batch = read_batch(delivery.body)
        origin = self._origin(client, batch.token, delivery.now_ms)
        judged = judge(batch.events, Sender(client, self._directory, delivery.now_ms, origin))
        events = {j.event.id: j.event for j in judged if j.event is not None}
        if events:
            await self._ports.publish(tuple(events.values()))
        self._signatures.accepted(delivery.headers, client, delivery.now_ms)
        for found in judged:
            self._ports.judged(client.kind, found.why or found.status)
        return _answer(client, judged)

    def _origin(self, client: Client, token: str | None, now_ms: int) -> tuple[str, str] | None:
        if client.kind is not ClientKind.SDK:
            if token is not None:
                raise NotHeard(Refusal.MALFORMED, "$.token is for clients of kind sdk.")
            return None
        session = self._tokens.open(token) if self._tokens and token else None
        if session is None:
            raise NotHeard(Refusal.NO_SESSION, "$.token is no session token; POST /sessions.")
        if session.expires_s * 1000 <= now_ms:
            raise NotHeard(Refusal.NO_SESSION, "$.token has expired; POST /sessions again.")
        if session.appid not in client.appids:
            raise NotHeard(Refusal.NOT_ALLOWED, "$.token is of an app which is not this client's.")
        return session.appid, session.openid


def _answer(client: Client, judged: Sequence[Judged]) -> Answer:
    counts = Counter(j.status for j in judged)
    told: dict[str, Any] = {status.value: counts[status] for status in Status}
    told["results"] = [j.as_json() for j in judged]
    status = 207 if counts[Status.REFUSED] else 200
    return Answer(f"events_{client.kind}", orjson.dumps(told), status=status)
