# SPDX-License-Identifier: Apache-2.0
"""``POST /check-in/pretix/{organizer}``: check-in webhooks of the ticket shop pretix.

pretix does not sign: it sends the user and password in the webhook's URL. It waits 30 s for a 2xx
and retries for up to three days (doc/api/webhooks.rst).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Final

from stream.brand.ticket_shops import TicketShop
from stream.engine.model.ids import origin_key, union_key
from stream.engine.model.state import Account
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable
from stream.gateway.dependencies import Publish
from stream.gateway.endpoint import Delivery, Response
from stream.gateway.endpoints.pretix_tickets import (
    CHECKED_IN,
    REVERTED,
    Ticket,
    TicketRef,
    Webhook,
    check_in_event,
    identity,
    is_not_an_id,
    known_attempts,
    next_attempt,
    read_ticket,
    read_webhook,
    reverted_check_ins,
)
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.gateway.json_http_client import JsonClient, ServerUnavailable
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

_log = logging.getLogger(__name__)

ORGANIZER: Final = "organizer"
_SCHEME: Final = "basic "
_DELETED: Final = (404, 410)


class PretixHandler:
    """Handles webhooks; ``close`` it in the same event loop."""

    def __init__(
        self,
        publish: Publish,
        shops: Mapping[str, TicketShop],
        accounts: AccountLookup,
        tokens: SessionTokens | None,
        new_fetcher: Callable[[str], JsonClient] = JsonClient,
    ) -> None:
        self._publish = publish
        self._shops = shops
        self._accounts = accounts
        self._tokens = tokens
        self._servers = {name: new_fetcher(shop.base_url) for name, shop in shops.items()}

    async def close(self) -> None:
        """Close the connections to pretix."""
        for server in self._servers.values():
            await server.close()

    async def handle(self, delivery: Delivery) -> Response:
        """Raises ``DeliveryRejected``; pretix retries after ``UNAVAILABLE``."""
        shop = self._shops.get(delivery.path_params[ORGANIZER])
        if shop is None:
            raise DeliveryRejected(
                RejectReason.UNKNOWN_ACCOUNT, "This organizer is not in the apps file."
            )
        _check_password(delivery.headers.get("authorization", ""), shop)
        webhook = read_webhook(delivery.body)
        if webhook.organizer != shop.organizer:
            raise DeliveryRejected(RejectReason.MALFORMED, "$.organizer is not the one of the URL.")
        ref = webhook.ref
        if webhook.action not in (CHECKED_IN, REVERTED):
            return _no_content("pretix_other")
        if ref is None:
            raise DeliveryRejected(RejectReason.MALFORMED, "The call names no ticket or no list.")
        return await self._process(webhook, ref, shop, delivery.now_ms)

    async def _process(
        self, webhook: Webhook, ref: TicketRef, shop: TicketShop, now_ms: int
    ) -> Response:
        ticket = await self._ticket(ref, shop)
        if ticket is None:
            return _no_content("pretix_ticket_deleted")
        who = identity(ticket, shop, self._tokens)
        if who is None or is_not_an_id(who):
            return _no_content("pretix_no_identity")
        if webhook.action == REVERTED:
            return await self._revert(webhook, ref, ticket, who, now_ms)
        return await self._check_in(webhook, ref, ticket, who)

    async def _check_in(
        self, webhook: Webhook, ref: TicketRef, ticket: Ticket, who: dict[str, str]
    ) -> Response:
        event = check_in_event(webhook, ref, ticket, who)
        if event is None:
            return _no_content("pretix_already_reverted")
        if webhook.type != "exit":  # an exit counts once, whatever was reverted
            try:
                known = known_attempts(await self._account(who), ref, who)
            except DeliveryRejected:
                await self._publish([event])  # most likely the first; the retry will know
                raise
            attempt = next_attempt(known, ticket, ref)
            event = check_in_event(webhook, ref, ticket, who, attempt) or event
        return await self._published("pretix_check_in", event)

    async def _revert(
        self, webhook: Webhook, ref: TicketRef, ticket: Ticket, who: dict[str, str], now_ms: int
    ) -> Response:
        known = known_attempts(await self._account(who), ref, who)
        events = list(reverted_check_ins(known, ref, ticket, who, now_ms))
        if not events:
            # The check-in may not have been applied yet. If there is none, pretix gives up.
            raise DeliveryRejected(
                RejectReason.UNAVAILABLE, "The check-in is not known yet; call again."
            )
        attempt = next_attempt(known, ticket, ref)
        again = check_in_event(webhook, ref, ticket, who, attempt)
        if again is not None and webhook.type != "exit" and attempt not in known:
            # A new check-in whose webhook was read as the one that is now reverted.
            events.append(again)
        return await self._published("pretix_reverted", *events)

    async def _account(self, who: dict[str, str]) -> Account | None:
        key = (
            origin_key(who["appid"], who["openid"])
            if "openid" in who
            else union_key(who["open_account"], who["unionid"])
        )
        try:
            found = await self._accounts.account_of(key)
        except LookupUnavailable:
            raise DeliveryRejected(
                RejectReason.UNAVAILABLE, "Redis does not answer; call again."
            ) from None
        return found[1] if found else None

    async def _published(self, kind: str, *events: OutboundEvent) -> Response:
        await self._publish(events)
        return _no_content(kind)

    async def _ticket(self, ref: TicketRef, shop: TicketShop) -> Ticket | None:
        """The order position as pretix has it now; ``None`` if it was deleted."""
        path = f"/api/v1/organizers/{shop.organizer}/events/{ref.event}"
        try:
            response = await self._servers[shop.organizer].get(
                f"{path}/orderpositions/{ref.ticket}/",
                headers={"Authorization": f"Token {shop.api_token}"},
            )
        except ServerUnavailable as error:
            _log.warning("pretix is unavailable: %s", error)
            raise DeliveryRejected(
                RejectReason.UNAVAILABLE, "pretix did not answer; call again."
            ) from None
        if response.status in _DELETED:
            return None
        ticket = read_ticket(response.tree) if response.status == 200 and response.tree else None
        if ticket is None:
            _log.error("pretix does not return the ticket (status %d)", response.status)
            raise DeliveryRejected(
                RejectReason.UNAVAILABLE, "pretix does not let us see the ticket."
            )
        return ticket


def _check_password(header: str, shop: TicketShop) -> None:
    """Raises ``DeliveryRejected``; takes the same time whatever is wrong."""
    given = b""
    if header[: len(_SCHEME)].lower() == _SCHEME:
        try:
            given = base64.b64decode(header[len(_SCHEME) :].strip().encode(), validate=True)
        except binascii.Error:
            given = b""
    matches = [
        hmac.compare_digest(_digest(f"{shop.user}:{word}".encode()), _digest(given))
        for word in shop.passwords
    ]
    if not any(matches):
        raise DeliveryRejected(
            RejectReason.UNAUTHORISED, "User or password are not this organizer's."
        )


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _no_content(kind: str) -> Response:
    return Response(kind, status=204)
