"""WeChat's endpoints: payment notifications, and message pushes with their replies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import JSON, TEXT, XML, Delivery, Endpoint, Response
from stream.gateway.replay_protection import ReplayProtection
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay import notification
from stream.wechat.pay.merchant import Merchant
from stream.wechat.push import delivery as push
from stream.wechat.push.account import PushAccount
from stream.wechat.push.events import Kind
from stream.wechat.push.reply import ReplyTo

#: Finds the text of a live offer by appid and openid, within so many seconds.
FindOffer = Callable[[str, str, float], Awaitable[str | None]]

#: Only these are answered with an offer; the brand's people answer the others.
_OFFERED: Final = frozenset({Kind.FOLLOWED, Kind.SCANNED})
_ANSWER_S: Final = 0.3  # reserved for the response after the offer was found


def pay_endpoint(merchants: Mapping[str, Merchant], dependencies: Dependencies) -> Endpoint:
    """``POST /wechat/pay/{mchid}``; WeChat expects an empty response."""

    async def handle(delivery: Delivery) -> Response:
        merchant = merchants.get(delivery.path_params["mchid"])
        if merchant is None:
            raise DeliveryRejected(
                RejectReason.UNKNOWN_ACCOUNT, "This merchant is not in the apps file."
            )
        now_s = delivery.now_ms // 1000
        accepted = notification.accept(delivery.headers, delivery.body, merchant, now_s)
        await dependencies.publish(accepted.events)
        return Response(accepted.kind, status=204)

    return Endpoint("pay", "/wechat/pay/{mchid}", handle)


class PushHandler:
    """Handles ``/wechat/push/{appid}``, by appid or original id; GET is WeChat's URL check."""

    def __init__(
        self,
        accounts: Mapping[str, PushAccount],
        dependencies: Dependencies,
        find_offer: FindOffer | None,
        offer_within_s: float,
    ) -> None:
        self._accounts = accounts
        self._publish = dependencies.publish
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
        pushed = push.accept(delivery.query, delivery.body, account, delivery.now_ms // 1000)
        if self._replays.is_replay(pushed.replay_key, delivery.body, delivery.now_ms):
            raise DeliveryRejected(
                RejectReason.REPLAYED,
                "This signature was used before, with another body; use mode safe.",
            )
        await self._publish(pushed.result.events)
        # Only after publishing: a delivery that was answered 503 may be retried.
        self._replays.remember(pushed.replay_key, delivery.body, delivery.now_ms)
        return await self._respond(delivery, account, pushed)

    async def _respond(
        self, delivery: Delivery, account: PushAccount, pushed: push.PushAccepted
    ) -> Response:
        to, kind = pushed.reply_to, pushed.result.kind
        text = await self._offer(delivery, account, to) if to and kind in _OFFERED else None
        if to is None or text is None:
            return Response(kind, push.SUCCESS, TEXT)
        nonce, now_s = secrets.token_hex(8), delivery.now_ms // 1000
        body = push.reply(text, to, account, now_s, nonce, secrets.token_bytes(16))
        return Response(kind, body, JSON if to.is_json else XML)

    async def _offer(self, delivery: Delivery, account: PushAccount, to: ReplyTo) -> str | None:
        left_s = delivery.ends_s - asyncio.get_running_loop().time() - _ANSWER_S
        within_s = min(self._offer_within_s, left_s)
        if self._find_offer is None or within_s <= 0:
            return None
        return await self._find_offer(account.appid, to.openid, within_s)
