"""What the tables know of origins: who is bound already, and who was forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

import msgspec

from stream.engine.codec import load_entity
from stream.engine.directory import Directory
from stream.engine.erasure import forgets
from stream.engine.ids import origin_key
from stream.engine.state import Erased, Origin
from stream.resolver.asks import Ask
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.tables import Tables


class Standing(StrEnum):
    """How an origin stands."""

    UNBOUND = "unbound"
    BOUND = "bound"
    ERASED = "erased"


class Standings:
    """Reads only; what it tells may be out of date by a moment, which costs a call."""

    def __init__(
        self,
        tables: Tables,
        directory: Directory,
        partitions: int,
        secret: bytes,
        now_ms: Callable[[], int],
    ) -> None:
        self._tables, self._directory, self._now_ms = tables, directory, now_ms
        self._pseudonyms = Pseudonyms(secret, partitions)

    async def of(self, asks: Collection[Ask]) -> dict[Ask, Standing]:
        """Each ask's origin; erased are those who were forgotten since the event."""
        keys = {ask: origin_key(*ask.origin) for ask in asks}
        stored = await self._load(set(keys.values()))
        unknown = set(keys.values()) - stored.keys()
        marks = await self._load({self._pseudonyms.of(key) for key in unknown})
        return {ask: self._standing(ask, key, stored, marks) for ask, key in keys.items()}

    def _standing(
        self, ask: Ask, key: str, stored: Mapping[str, bytes], marks: Mapping[str, bytes]
    ) -> Standing:
        mark = self._pseudonyms.of(key)
        erased = _erased(mark, marks[mark]) if mark in marks else None
        if key in stored:
            origin = _origin(key, stored[key])
            if origin is not None and self._is_of_its_account(ask.appid, origin.bound):
                return Standing.BOUND
            erased = origin.erased if origin is not None else None
        return Standing.ERASED if forgets(erased, ask.since_ms) else Standing.UNBOUND

    def _is_of_its_account(self, appid: str, bound: str) -> bool:
        """Whether a profile is one of the app's account of today.

        Bound to that of an account which the app has left, or to one that openids share of which
        no Union ID is known, an origin is still to be asked for.
        """
        member = self._directory.membership(appid, self._now_ms())
        return member is not None and bound.startswith(f"union.{member.account}.")

    async def _load(self, keys: Collection[str]) -> dict[str, bytes]:
        wanted: dict[int, list[str]] = {}
        for key in sorted(keys):
            wanted.setdefault(entity_partition(key, self._pseudonyms.partitions), []).append(key)
        return await self._tables.load(wanted) if wanted else {}


def _origin(key: str, value: bytes) -> Origin | None:
    try:
        entity = load_entity(key, value)
    except msgspec.MsgspecError:  # of another version; it is asked, and the engine knows
        return None
    return entity if isinstance(entity, Origin) else None


def _erased(key: str, value: bytes) -> Erased | None:
    entity = load_entity(key, value)
    return entity if isinstance(entity, Erased) else None
