# SPDX-License-Identifier: Apache-2.0
"""Wait until the workers have applied everything in the resolved log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from stream.lookup.entity_reader import PeopleReader
from stream.tables import Tables
from stream.tables.base import NOTHING_APPLIED

_LOOK_EVERY_S: Final = 0.2
#: A message leads to further messages: from a request to the last origin they are six.
_ROUNDS_MAX: Final = 10


class WorkersBehind(Exception):
    """The workers do not reach the end of the log in time; the message is a sentence."""


class Ends(Protocol):
    """The part of ``TopicReader`` that is used here."""

    async def ends_now(self, topic: str) -> Mapping[int, int]: ...


class RewardProgress:
    """How far the workers of a deployment have applied its resolved log."""

    def __init__(
        self,
        tables: Tables,
        log: Ends,
        resolved: str,
        *,
        patience_s: float = 60.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tables, self._log, self._resolved = tables, log, resolved
        self._patience_s, self._sleep = patience_s, sleep

    async def settled(self) -> dict[int, int]:
        """Wait for all messages and those they lead to; the applied offset of each partition.

        While new events arrive it waits only until the first messages must have led to their last
        ones. Raises :class:`WorkersBehind`.
        """
        ends = await self._log.ends_now(self._resolved)
        for _ in range(_ROUNDS_MAX):
            applied = await self._until(ends)
            await self._sleep(_LOOK_EVERY_S)  # a commit is stored before its output is published
            before, ends = ends, await self._log.ends_now(self._resolved)
            if ends == before:
                break
        return applied

    async def _until(self, ends: Mapping[int, int]) -> dict[int, int]:
        waited_s = 0.0
        while True:
            stored = await self._tables.positions(list(ends))
            applied = {p: stored[p][1] if p in stored else NOTHING_APPLIED for p in ends}
            behind = {p: end - 1 - applied[p] for p, end in ends.items() if applied[p] < end - 1}
            if not behind:
                return applied
            if waited_s >= self._patience_s:
                raise WorkersBehind(
                    f"The workers are {sum(behind.values()):,} records behind the end that "
                    f"{self._resolved} had {waited_s:.0f} s ago, in {len(behind)} partitions: see "
                    "that they run, then try again."
                )
            await self._sleep(_LOOK_EVERY_S)
            waited_s += _LOOK_EVERY_S


async def until_erased(
    people: PeopleReader,
    key: str,
    at: int,
    *,
    patience_s: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Wait until the person is known to be erased up to ``at`` (ms); raises `WorkersBehind`."""
    waited_s = 0.0
    while True:
        found = (await people.erased_among([key])).get(key)
        if found is not None and found.had(at):
            return
        if waited_s >= patience_s:
            raise WorkersBehind(
                f"The workers have not applied the request within {waited_s:.0f} s: see that they "
                "run, then run `shadowpoints sweep`. The request need not be repeated."
            )
        await sleep(_LOOK_EVERY_S)
        waited_s += _LOOK_EVERY_S
