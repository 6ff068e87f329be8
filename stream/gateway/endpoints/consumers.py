# SPDX-License-Identifier: Apache-2.0
"""``POST /consumers/lookup``: what is known of one consumer, for a till, a server or themselves.

Signed like ``POST /events``. The answer is read from the engine's tables at the request, and is
refused with 503 while the engine is further behind than a stated age. A request may report an
event of the consumer; the answer then waits until the engine has counted it, or for ``within_s``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET

from schemas import Event, time_ms
from schemas.registry import SOURCE_OF
from stream.brand.clients import Client
from stream.engine.audit.consumer_card import EventState, card_of
from stream.engine.intake.facts_of_events import fact_of
from stream.engine.model.directory import Directory
from stream.engine.model.ids import marker, origin_key, origin_parts
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account
from stream.engine.model.time_checks import Horizons
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Delivery, Endpoint, Response
from stream.gateway.endpoints.batch_parser import Sender, check_events
from stream.gateway.endpoints.consumer_request import ConsumerRequest, read_request, wanted
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

PATH: Final = "/consumers/lookup"
#: Concurrent waits for an event; above this a request looks once.
WAITING_MAX: Final = 500
_PAUSE_S: Final = 0.02
_PAUSE_MAX_S: Final = 0.2

#: How old (s) may be what the tables hold of a key; ``inf`` if that is not known.
AgeOf = Callable[[str], float]


class ConsumersHandler:
    """Handles ``POST /consumers/lookup``; answers are at most ``age_max_s`` old."""

    def __init__(
        self,
        dependencies: Dependencies,
        signatures: RequestSignatures,
        tokens: SessionTokens | None,
        directory: Directory,
        horizons: Horizons,
        limits: RateLimits,
        accounts: AccountLookup,
        age_of: AgeOf,
        age_max_s: float,
    ) -> None:
        self._dependencies, self._signatures, self._tokens = dependencies, signatures, tokens
        self._directory, self._horizons, self._limits = directory, horizons, limits
        self._accounts, self._age_of, self._age_max_s = accounts, age_of, age_max_s
        self._waiting = 0

    def endpoint(self) -> Endpoint:
        return Endpoint("consumers", PATH, self.handle)

    async def handle(self, delivery: Delivery) -> Response:
        """Raises ``DeliveryRejected``."""
        client = self._signatures.client(delivery.headers, delivery.body, delivery.now_ms)
        request = read_request(delivery.body)
        who = wanted(request, client, self._directory)
        origin, key = None, who.key
        if who.token is not None:
            assert self._tokens is not None  # an SDK in the apps file needs a key of sessions
            origin = self._tokens.origin(who.token, client, delivery.now_ms, "$.token")
            key = origin_key(*origin)
        event = self._event(request, client, origin, delivery.now_ms)
        self._limits.take(client, [(origin, 2 if event else 1)], delivery.now_ms)
        if event is not None:
            await self._dependencies.publish([event])
            self._signatures.accepted(delivery.headers, client, delivery.now_ms)
        try:
            key, account, counted = await self._look(client, key, event, request.within_s)
            book = await self._accounts.rules_for(key)
        except LookupUnavailable:
            raise _unavailable("Redis cannot be read; ask again.") from None
        age_s = self._age_of(key)
        if age_s > self._age_max_s:
            raise _unavailable(f"The engine is more than {self._age_max_s:g} s behind; ask again.")
        card = card_of(key, account, book, self._dependencies.now_ms(), round(age_s * 1000))
        if event is not None:
            state = EventState.COUNTED if counted else EventState.ACCEPTED
            card = msgspec.structs.replace(card, event=state)
        return Response("card", msgspec.json.encode(card))

    def _event(
        self, request: ConsumerRequest, client: Client, origin: tuple[str, str] | None, now_ms: int
    ) -> OutboundEvent | None:
        if request.event is UNSET:
            return None
        sender = Sender(client, self._directory, now_ms, self._horizons, origin)
        (result,) = check_events([request.event], sender)
        if result.reason is not None:
            message = result.message.replace("$.events[0]", "$.event")
            raise DeliveryRejected(RejectReason.MALFORMED, message)
        if result.event is None or SOURCE_OF[result.event.type].touchpoint is None:
            raise DeliveryRejected(RejectReason.MALFORMED, "$.event must be a touchpoint.")
        return result.event

    async def _look(
        self, client: Client, key: str, event: OutboundEvent | None, within_s: float
    ) -> tuple[str, Account | None, bool]:
        """The consumer's key, account, and whether the event is counted in it."""
        wait = event is not None and within_s > 0 and self._waiting < WAITING_MAX
        self._waiting += 1
        loop, pause_s = asyncio.get_running_loop(), _PAUSE_S
        ends_s = loop.time() + within_s
        try:
            while True:
                found_key, account = await self._account(client, key)
                counted = event is not None and account is not None and _counts(account, event)
                if counted or not wait or loop.time() + pause_s > ends_s:
                    return found_key, account, counted
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _PAUSE_MAX_S)
        finally:
            self._waiting -= 1

    async def _account(self, client: Client, key: str) -> tuple[str, Account | None]:
        if key.startswith("tx."):
            payment = await self._accounts.payment(key)
            if payment is None or not payment.origin:
                return key, None
            if not _is_of(client, payment):
                raise DeliveryRejected(
                    RejectReason.NOT_ALLOWED,
                    "$.transaction_id is of a merchant who is not among this client's.",
                )
            key = payment.origin
        return await self._accounts.account_of(key) or (key, None)


def _is_of(client: Client, payment: Payment) -> bool:
    """Whether a payment was made to one of the client's merchants, or in one of its apps."""
    merchant = payment.fact.fields.get("mchid") if payment.fact else None
    return merchant in client.mchids or origin_parts(payment.origin)[0] in client.appids


def _counts(account: Account, event: OutboundEvent) -> bool:
    """Whether the event, or another report of the same, is among the account's touches."""
    fact = fact_of(Event(event.id, "", event.type, event.time, time_ms(event.time), event.data))
    known = marker(fact.key)
    return any(known in facts.touches for facts in account.facts_by_origin.values())


def _unavailable(message: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.UNAVAILABLE, message, retry_after_s=1)
