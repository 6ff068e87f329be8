# SPDX-License-Identifier: Apache-2.0
"""Deliver dead letters of webhooks again: one attempt each, in order of each consumer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence

from stream.kafka.dead_letter_reader import DeadLetter, DeadLetterQueue
from stream.kafka.dead_letters import Stage
from stream.webhooks.event_json import NotAnEvent, Webhook, webhook_of
from stream.webhooks.retry_policy import Reply, Verdict


class Receiver:
    """The destination of such dead letters; ``topics`` are those of the webhooks."""

    def __init__(
        self,
        topics: Collection[str],
        send: Callable[[Webhook], Awaitable[Reply]],
        at_once: int,
    ) -> None:
        self._topics, self._send = topics, send
        self._room = asyncio.Semaphore(at_once)

    async def open(self, queue: DeadLetterQueue) -> None:
        """Nothing is asked."""

    def is_for(self, letter: DeadLetter) -> bool:
        ours = letter.original is not None and letter.original.topic in self._topics
        return ours and letter.stage == Stage.WEBHOOK and _webhook(letter) is not None

    async def send(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Of a consumer, none is sent after one that was not taken."""
        lanes: dict[str, list[tuple[DeadLetter, Webhook]]] = defaultdict(list)
        for letter in letters:
            webhook = _webhook(letter)
            assert webhook is not None
            lanes[webhook.subject].append((letter, webhook))
        sent = await asyncio.gather(*map(self._in_order, lanes.values()))
        return [letter for lane in sent for letter in lane]

    async def _in_order(self, lane: Sequence[tuple[DeadLetter, Webhook]]) -> list[DeadLetter]:
        sent = []
        for letter, webhook in lane:
            async with self._room:
                reply = await self._send(webhook)
            if reply.verdict is not Verdict.DELIVERED:
                break
            sent.append(letter)
        return sent


def _webhook(letter: DeadLetter) -> Webhook | None:
    try:
        return webhook_of(letter.headers, letter.value)
    except NotAnEvent:
        return None
