# SPDX-License-Identifier: Apache-2.0
"""Look up in the tables which origins are bound already, and which were erased."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum

from stream.addressing.pseudonyms import Pseudonyms
from stream.engine.model.directory import Directory
from stream.engine.model.erased import forgets
from stream.engine.model.ids import origin_key
from stream.lookup.entity_reader import KnownOrigins, PeopleReader
from stream.resolver.lookups import AnyLookup, Lookup
from stream.tables import Tables


class BindStatus(StrEnum):
    """Whether an origin still needs a lookup: only ``UNBOUND`` does."""

    UNBOUND = "unbound"
    BOUND = "bound"
    ERASED = "erased"


class BindStatuses:
    """Read-only. A result may be slightly out of date, which costs one needless call."""

    def __init__(
        self,
        tables: Tables,
        directory: Directory,
        partitions: int,
        secret: bytes,
        now_ms: Callable[[], int],
    ) -> None:
        self._people = PeopleReader(tables, Pseudonyms(secret, partitions))
        self._directory, self._now_ms = directory, now_ms

    async def of(self, lookups: Collection[AnyLookup]) -> dict[AnyLookup, BindStatus]:
        """The status of each lookup's origin; ``ERASED`` if it was erased after the event.

        Lookups of orders have none.
        """
        people = [lookup for lookup in lookups if isinstance(lookup, Lookup)]
        keys = {lookup: origin_key(*lookup.origin) for lookup in people}
        known = await self._people.origins(set(keys.values()))
        return {lookup: self._status(lookup, key, known) for lookup, key in keys.items()}

    async def is_erased(self, people: Collection[str], since_ms: int) -> bool:
        """Whether one of these origins or profiles was erased after that instant."""
        found = await self._people.erased_among(people)
        return any(person.had(since_ms) for person in found.values())

    def _status(self, lookup: Lookup, key: str, known: KnownOrigins) -> BindStatus:
        try:
            origin = known.origin(key)
        except ValueError:  # of another version; look it up, the engine decides
            return BindStatus.UNBOUND
        if origin is None:
            return BindStatus.UNBOUND
        if self._is_of_its_account(lookup.appid, origin.bound):
            return BindStatus.BOUND
        return BindStatus.ERASED if forgets(origin.erased, lookup.since_ms) else BindStatus.UNBOUND

    def _is_of_its_account(self, appid: str, bound: str) -> bool:
        """Whether a profile belongs to the Open Platform account that the app is in today.

        An origin still needs a lookup if its profile belongs to an account that the app has left,
        or is one that aliases share without a known Union ID.
        """
        member = self._directory.membership(appid, self._now_ms())
        return member is not None and bound.startswith(f"union.{member.account}.")
