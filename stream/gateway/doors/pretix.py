"""``POST /check-in/pretix/{organizer}``: webhooks of the ticket shop pretix.

pretix does not sign: it sends the user and the password which stand in the URL it is given. It
waits 30 s for a 2xx and calls again for up to three days (doc/api/webhooks.rst).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Final

from stream.engine.ids import origin_key, union_key
from stream.gateway.doors.fetching import Away, Fetcher
from stream.gateway.doors.shops import TicketShop
from stream.gateway.doors.tickets import (
    CHECKED_IN,
    REVERTED,
    Place,
    Ticket,
    Webhook,
    check_in_event,
    identity,
    names_nobody,
    read_ticket,
    read_webhook,
    taken_back,
)
from stream.gateway.doors.tokens import Tokens
from stream.gateway.people import CannotLook, People
from stream.gateway.ports import Answer, Delivery, Publish
from stream.wechat.heard import NotHeard, Outgoing, Refusal

_log = logging.getLogger(__name__)

ORGANIZER: Final = "organizer"
_SCHEME: Final = "basic "
_GONE: Final = (404, 410)


class Pretix:
    """Handles webhooks; ``close`` it in the same event loop."""

    def __init__(
        self,
        publish: Publish,
        shops: Mapping[str, TicketShop],
        people: People,
        tokens: Tokens | None,
        new_fetcher: Callable[[str], Fetcher] = Fetcher,
    ) -> None:
        self._publish = publish
        self._shops = shops
        self._people = people
        self._tokens = tokens
        self._servers = {name: new_fetcher(shop.base_url) for name, shop in shops.items()}

    async def close(self) -> None:
        """Let go of the connections to pretix."""
        for server in self._servers.values():
            await server.close()

    async def handle(self, delivery: Delivery) -> Answer:
        """Raises ``NotHeard``; ``UNAVAILABLE`` makes pretix call again."""
        shop = self._shops.get(delivery.place[ORGANIZER])
        if shop is None:
            raise NotHeard(Refusal.UNKNOWN_ACCOUNT, "This organizer is not in the apps file.")
        _check_password(delivery.headers.get("authorization", ""), shop)
        webhook = read_webhook(delivery.body)
        if webhook.organizer != shop.organizer:
            raise NotHeard(Refusal.MALFORMED, "$.organizer is not the one of the URL.")
        place = webhook.place
        if webhook.action not in (CHECKED_IN, REVERTED):
            return _heard("pretix_other")
        if place is None:
            raise NotHeard(Refusal.MALFORMED, "The call names no ticket or no list.")
        return await self._about(webhook, place, shop, delivery.now_ms)

    async def _about(self, webhook: Webhook, place: Place, shop: TicketShop, now_ms: int) -> Answer:
        ticket = await self._ticket(place, shop)
        if ticket is None:
            return _heard("pretix_ticket_gone")
        who = identity(ticket, shop, self._tokens)
        if who is None or names_nobody(who):
            return _heard("pretix_nobody")
        if webhook.action == REVERTED:
            return await self._revert(place, ticket, who, now_ms)
        event = check_in_event(webhook, place, ticket, who)
        if event is None:
            return _heard("pretix_taken_back_by_now")
        return await self._published("pretix_check_in", event)

    async def _revert(
        self, place: Place, ticket: Ticket, who: dict[str, str], now_ms: int
    ) -> Answer:
        key = (
            origin_key(who["appid"], who["openid"])
            if "openid" in who
            else union_key(who["open_account"], who["unionid"])
        )
        try:
            found = await self._people.account_of(key)
        except CannotLook:
            raise NotHeard(Refusal.UNAVAILABLE, "Redis does not answer; call again.") from None
        events = list(taken_back(found[1], place, ticket, who, now_ms)) if found else []
        if not events:
            # Its check-in may be under way still. If it never came, pretix gives up some day.
            raise NotHeard(Refusal.UNAVAILABLE, "The check-in is not known yet; call again.")
        return await self._published("pretix_reverted", *events)

    async def _published(self, kind: str, *events: Outgoing) -> Answer:
        await self._publish(events)
        return _heard(kind)

    async def _ticket(self, place: Place, shop: TicketShop) -> Ticket | None:
        """The order position as pretix has it now; ``None`` for one which is no more."""
        path = f"/api/v1/organizers/{shop.organizer}/events/{place.event}"
        try:
            fetched = await self._servers[shop.organizer].get(
                f"{path}/orderpositions/{place.ticket}/",
                headers={"Authorization": f"Token {shop.api_token}"},
            )
        except Away as away:
            _log.warning("pretix is away: %s", away)
            raise NotHeard(Refusal.UNAVAILABLE, "pretix did not answer; call again.") from None
        if fetched.status in _GONE:
            return None
        ticket = read_ticket(fetched.tree) if fetched.status == 200 and fetched.tree else None
        if ticket is None:
            _log.error("pretix does not tell of its tickets (status %d)", fetched.status)
            raise NotHeard(Refusal.UNAVAILABLE, "pretix does not let us see the ticket.")
        return ticket


def _check_password(header: str, shop: TicketShop) -> None:
    """Raises ``NotHeard``. The time it takes does not depend on what is wrong."""
    given = b""
    if header[: len(_SCHEME)].lower() == _SCHEME:
        try:
            given = base64.b64decode(header[len(_SCHEME) :].strip().encode(), validate=True)
        except binascii.Error:
            given = b""
    fits = [
        hmac.compare_digest(_digest(f"{shop.user}:{word}".encode()), _digest(given))
        for word in shop.passwords
    ]
    if not any(fits):
        raise NotHeard(Refusal.UNAUTHORISED, "User or password do not fit this organizer.")


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _heard(kind: str) -> Answer:
    return Answer(kind, status=204)
