# SPDX-License-Identifier: Apache-2.0
"""WeChat's endpoints: payment notifications, and message pushes with their replies.

A delivery may also go to another system of the brand's. It is published and forwarded at the same
time, and accepted once both have taken it: if one does not, WeChat sends it to both again, and our
events keep their ids.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from stream.brand.forwarding import Forward
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import JSON, TEXT, XML, Delivery, Endpoint, Response
from stream.gateway.forwarder import Answer, Forwarder, both
from stream.gateway.replay_protection import ReplayProtection
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay import notification
from stream.wechat.pay.merchant import Merchant
from stream.wechat.push import delivery as push
from stream.wechat.push.account import PushAccount
from stream.wechat.push.events import Kind
from stream.wechat.push.reply import SUCCESS, ReplyTo, reply, transfer
from stream.wechat.push.wanted import Wanted

#: Finds the text of a live offer by appid and openid, within so many seconds.
FindOffer = Callable[[str, str, float], Awaitable[str | None]]

#: Only these are answered with an offer; the brand's people answer the others.
_OFFERED: Final = frozenset({Kind.FOLLOWED, Kind.SCANNED})
_ANSWER_S: Final = 0.3  # reserved for the response after the offer was found
#: Signed by WeChat, but not readable here: the other system still gets it.
_UNREAD: Final = frozenset(
    {RejectReason.UNDECRYPTABLE, RejectReason.WRONG_APP, RejectReason.MALFORMED}
)


async def _forward_unread(
    rejection: DeliveryRejected, sending: Callable[[], Awaitable[Answer]]
) -> None:
    if rejection.reason in _UNREAD:
        await asyncio.gather(sending(), return_exceptions=True)


class PayHandler:
    """Handles ``POST /wechat/pay/{mchid}``; WeChat expects an empty response."""

    def __init__(
        self,
        merchants: Mapping[str, Merchant],
        dependencies: Dependencies,
        forwarder: Forwarder,
        forwards: Mapping[str, Forward],
    ) -> None:
        self._merchants, self._forwards = merchants, forwards
        self._publish, self._forwarder = dependencies.publish, forwarder

    def endpoint(self) -> Endpoint:
        return Endpoint("pay", "/wechat/pay/{mchid}", self.handle)

    async def handle(self, delivery: Delivery) -> Response:
        merchant = self._merchants.get(delivery.path_params["mchid"])
        if merchant is None:
            raise DeliveryRejected(
                RejectReason.UNKNOWN_ACCOUNT, "This merchant is not in the apps file."
            )
        to, now_s = self._forwards.get(merchant.mchid), delivery.now_ms // 1000
        try:
            accepted = notification.accept(delivery.headers, delivery.body, merchant, now_s)
        except DeliveryRejected as rejection:
            if to is not None:
                await _forward_unread(rejection, lambda: self._send(to, delivery))
            raise
        if to is None or (accepted.events and not to.everything):
            await self._publish(accepted.events)
            return Response(accepted.kind, status=204)
        answer = await both(self._publish(accepted.events), self._send(to, delivery))
        return answer.response(accepted.kind)

    async def _send(self, to: Forward, delivery: Delivery) -> Answer:
        return await self._forwarder.send(to, delivery, "pay")


class PushHandler:
    """Handles ``/wechat/push/{appid}``, by appid or original id; GET is WeChat's URL check."""

    def __init__(
        self,
        accounts: Mapping[str, PushAccount],
        dependencies: Dependencies,
        find_offer: FindOffer | None,
        offer_within_s: float,
        forwarder: Forwarder,
        forwards: Mapping[str, Forward],
    ) -> None:
        self._accounts, self._forwards = accounts, forwards
        self._publish, self._forwarder = dependencies.publish, forwarder
        self._find_offer = find_offer
        self._offer_within_s = offer_within_s
        # A timestamp may be off by SKEW_S in either direction.
        self._replays = ReplayProtection(2 * push.SKEW_S * 1000)

    def endpoint(self) -> Endpoint:
        return Endpoint("push", "/wechat/push/{appid}", self.handle, methods=("GET", "POST"))

    async def handle(self, delivery: Delivery) -> Response:
        account = self._accounts.get(delivery.path_params["appid"])
        if account is None:
            raise DeliveryRejected(
                RejectReason.UNKNOWN_ACCOUNT, "The apps file has no push section for this app."
            )
        if delivery.method != "POST":
            return Response("url_check", push.check_url(delivery.query, account).encode(), TEXT)
        to, now_s = self._forwards.get(account.appid), delivery.now_ms // 1000
        try:
            pushed = push.accept(delivery.query, delivery.body, account, now_s)
        except DeliveryRejected as rejection:
            if to is not None:
                await _forward_unread(rejection, lambda: self._send(to, delivery))
            raise
        if self._replays.is_replay(pushed.replay_key, delivery.body, delivery.now_ms):
            raise DeliveryRejected(
                RejectReason.REPLAYED,
                "This signature was used before, with another body; use mode safe.",
            )
        answer = None
        if to is not None and (to.everything or _is_rest(pushed, account)):
            answer = await both(self._publish(pushed.result.events), self._send(to, delivery))
        else:
            await self._publish(pushed.result.events)
        # Only after publishing: a delivery that was answered 503 may be retried.
        self._replays.remember(pushed.replay_key, delivery.body, delivery.now_ms)
        return await self._respond(delivery, account, pushed, answer)

    async def _send(self, to: Forward, delivery: Delivery) -> Answer:
        return await self._forwarder.send(to, delivery, "push")

    async def _respond(
        self,
        delivery: Delivery,
        account: PushAccount,
        pushed: push.PushAccepted,
        answer: Answer | None,
    ) -> Response:
        """The other system's answer, unless it is empty and we have a reply."""
        kind = pushed.result.kind
        if answer is not None and not _is_empty(answer):
            return answer.response(kind)
        body = await self._reply(delivery, account, pushed) if pushed.reply_to else None
        if body is not None:
            return Response(kind, body, JSON if pushed.is_json else XML)
        if answer is not None:
            return answer.response(kind)
        form = JSON if pushed.is_json else XML
        return Response(
            kind, pushed.acknowledgement, form if pushed.wanted is Wanted.ERROR_CODE else TEXT
        )

    async def _reply(
        self, delivery: Delivery, account: PushAccount, pushed: push.PushAccepted
    ) -> bytes | None:
        to, kind = pushed.reply_to, pushed.result.kind
        assert to is not None
        sealing = (to, account, delivery.now_ms // 1000, secrets.token_hex(8))
        if kind == Kind.MESSAGE and account.desk_answers:
            return transfer(*sealing, secrets.token_bytes(16))
        text = await self._offer(delivery, account, to) if kind in _OFFERED else None
        body = reply(text, *sealing, secrets.token_bytes(16)) if text is not None else SUCCESS
        return None if body == SUCCESS else body

    async def _offer(self, delivery: Delivery, account: PushAccount, to: ReplyTo) -> str | None:
        left_s = delivery.ends_s - asyncio.get_running_loop().time() - _ANSWER_S
        within_s = min(self._offer_within_s, left_s)
        if self._find_offer is None or within_s <= 0:
            return None
        return await self._find_offer(account.appid, to.openid, within_s)


def _is_rest(pushed: push.PushAccepted, account: PushAccount) -> bool:
    """Whether the gateway alone does not deal with it: no event, or an answer of the brand's."""
    if pushed.result.kind == Kind.MESSAGE:
        return not account.desk_answers
    return not pushed.result.events or pushed.wanted is not Wanted.SUCCESS


def _is_empty(answer: Answer) -> bool:
    """Whether it only says that the push was received."""
    return answer.accepted and answer.body.strip() in (b"", SUCCESS)
