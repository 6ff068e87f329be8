"""The doors WeChat comes to: payment notifications, and message pushes with their replies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from stream.gateway.ports import JSON, TEXT, XML, Answer, Delivery, Door, Ports
from stream.gateway.replays import Replays
from stream.wechat.heard import NotHeard, Refusal
from stream.wechat.pay import notification
from stream.wechat.pay.merchant import Merchant
from stream.wechat.push import delivery as push
from stream.wechat.push.account import PushAccount
from stream.wechat.push.events import Kind
from stream.wechat.push.reply import ReplyTo

#: Finds the text of a live offer: of appid and openid, within so many seconds.
FindOffer = Callable[[str, str, float], Awaitable[str | None]]

#: A reply may sell something only to who has just come; others are answered by people.
_OFFERED: Final = frozenset({Kind.FOLLOWED, Kind.SCANNED})
_ANSWER_S: Final = 0.3  # kept for what comes after the offer was found


def pay_door(merchants: Mapping[str, Merchant], ports: Ports) -> Door:
    """``POST /wechat/pay/{mchid}``; WeChat wants nothing in the answer."""

    async def handle(delivery: Delivery) -> Answer:
        merchant = merchants.get(delivery.place["mchid"])
        if merchant is None:
            raise NotHeard(Refusal.UNKNOWN_ACCOUNT, "This merchant is not in the apps file.")
        now_s = delivery.now_ms // 1000
        heard = notification.hear(delivery.headers, delivery.body, merchant, now_s)
        await ports.publish(heard.events)
        return Answer(heard.kind, status=204)

    return Door("pay", "/wechat/pay/{mchid}", handle)


class PushDoor:
    """``/wechat/push/{appid}``, by appid or original id: GET is WeChat's check of the URL."""

    def __init__(
        self,
        accounts: Mapping[str, PushAccount],
        ports: Ports,
        find_offer: FindOffer | None,
        offer_within_s: float,
    ) -> None:
        self._accounts = accounts
        self._publish = ports.publish
        self._find_offer = find_offer
        self._offer_within_s = offer_within_s
        # A timestamp may be this much behind the clock or ahead of it.
        self._replays = Replays(2 * push.SKEW_S * 1000)

    def door(self) -> Door:
        return Door("push", "/wechat/push/{appid}", self.handle, methods=("GET", "POST"))

    async def handle(self, delivery: Delivery) -> Answer:
        account = self._accounts.get(delivery.place["appid"])
        if account is None:
            raise NotHeard(Refusal.UNKNOWN_ACCOUNT, "This app takes no pushes by the apps file.")
        if delivery.method != "POST":
            return Answer("greeting", push.greeting(delivery.query, account).encode(), TEXT)
        pushed = push.hear(delivery.query, delivery.body, account, delivery.now_ms // 1000)
        if self._replays.is_replay(pushed.replay_key, delivery.body, delivery.now_ms):
            raise NotHeard(
                Refusal.REPLAYED, "This signature came before, with another body; use mode safe."
            )
        await self._publish(pushed.heard.events)
        # Not before: what was answered 503 comes again.
        self._replays.accept(pushed.replay_key, delivery.body, delivery.now_ms)
        return await self._answer(delivery, account, pushed)

    async def _answer(
        self, delivery: Delivery, account: PushAccount, pushed: push.Pushed
    ) -> Answer:
        to, kind = pushed.reply_to, pushed.heard.kind
        text = await self._offer(delivery, account, to) if to and kind in _OFFERED else None
        if to is None or text is None:
            return Answer(kind, push.SUCCESS, TEXT)
        nonce, now_s = secrets.token_hex(8), delivery.now_ms // 1000
        body = push.reply(text, to, account, now_s, nonce, secrets.token_bytes(16))
        return Answer(kind, body, JSON if to.is_json else XML)

    async def _offer(self, delivery: Delivery, account: PushAccount, to: ReplyTo) -> str | None:
        left_s = delivery.ends_s - asyncio.get_running_loop().time() - _ANSWER_S
        within_s = min(self._offer_within_s, left_s)
        if self._find_offer is None or within_s <= 0:
            return None
        return await self._find_offer(account.appid, to.openid, within_s)
