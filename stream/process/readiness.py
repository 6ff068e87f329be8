# SPDX-License-Identifier: Apache-2.0
"""Ask servers whether they answer, each within a few seconds, and say in words what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

_ANSWER_S = 2.0


class CanBeReady(Protocol):
    """A client of a server."""

    async def ready(self) -> bool:
        """Whether the server answers now."""


async def unreachable(tables: CanBeReady, publisher: CanBeReady) -> list[str]:
    """A sentence for each of Redis and Kafka that does not answer."""
    asked = {"Redis": tables.ready(), "Kafka": publisher.ready()}
    answers = await asyncio.gather(*map(in_time, asked.values()))
    return [f"{name} {word}" for name, word in zip(asked, answers, strict=True) if word]


async def in_time(question: Awaitable[bool]) -> str:
    """What is wrong with the answer, if anything."""

    async def word() -> str:
        return "" if await question else "does not answer"

    return await answer_in_time(word(), "does not answer in time")


async def answer_in_time(words: Awaitable[str], otherwise: str) -> str:
    """The words, or ``otherwise`` where they take too long."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await words
    except TimeoutError:
        return otherwise
