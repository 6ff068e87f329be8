# SPDX-License-Identifier: Apache-2.0
"""Read entities of any partitions, and recognise people who were erased.

Readers do not own the partitions, so that an answer may be out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from stream.addressing.partitioning import entity_partition
from stream.addressing.pseudonyms import Pseudonyms
from stream.engine.erasure.residue import ErasedPerson
from stream.engine.model.decision import Entity
from stream.engine.model.payment import Payment
from stream.engine.model.state import Erased, Origin
from stream.engine.storage.codec import load_bare_origin, load_entity
from stream.tables import Tables

_KEYS_MAX: Final = 2_000  # looked up in one round trip


def readable(values: Mapping[str, bytes]) -> dict[str, Entity]:
    """The entities that can be decoded; `shadowpoints verify` reports the others."""
    found = {}
    for key, value in values.items():
        with suppress(KeyError, msgspec.MsgspecError):
            found[key] = load_entity(key, value)
    return found


class EntityReader:
    """Reads entities by their keys; keys without an entity are left out of the answers."""

    def __init__(self, tables: Tables, partitions: int) -> None:
        self._tables, self._partitions = tables, partitions

    def by_partition(self, keys: Iterable[str]) -> dict[int, list[str]]:
        """The keys by the partition to which they belong."""
        found: dict[int, list[str]] = {}
        for key in keys:
            found.setdefault(entity_partition(key, self._partitions), []).append(key)
        return found

    async def entity(self, key: str) -> Entity | None:
        """One entity; raises ``msgspec.MsgspecError`` if it cannot be decoded."""
        return (await self.entities([key])).get(key)

    async def entities(self, keys: Iterable[str]) -> dict[str, Entity]:
        """Several, in one round trip; raises ``msgspec.MsgspecError``."""
        return {key: load_entity(key, v) for key, v in (await self._load(keys)).items()}

    async def readable(self, keys: Iterable[str]) -> dict[str, Entity]:
        """The same without those that cannot be decoded."""
        return readable(await self._load(keys))

    async def person_behind(self, key: str) -> str | None:
        """The consumer id of the account to which a key leads now.

        A payment leads to its payer, a bound origin to its profile; ``None`` for a payment whose
        payer is not known.
        """
        entity = await self.entity(key)
        if key.startswith("tx."):
            if not isinstance(entity, Payment) or not entity.origin:
                return None
            key = entity.origin
            entity = await self.entity(key)
        return entity.bound if isinstance(entity, Origin) and entity.bound else key

    async def _load(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = self.by_partition(keys)
        return await self._tables.load(wanted) if wanted else {}


class PeopleReader(EntityReader):
    """Knows the erased, too: the tables hold a mark of each under a keyed hash of the key."""

    def __init__(self, tables: Tables, pseudonyms: Pseudonyms) -> None:
        super().__init__(tables, pseudonyms.partitions)
        self._pseudonyms = pseudonyms

    async def origins(self, keys: Iterable[str]) -> KnownOrigins:
        """Whose origins these are, or else, that they were erased."""
        keys = list(keys)
        found = await self._heads(keys)
        marks = {key: self._pseudonyms.of(key) for key in keys if key not in found}
        return KnownOrigins(found | await self._heads(marks.values()), marks)

    async def erased_among(self, people: Iterable[str]) -> dict[str, ErasedPerson]:
        """Those of many people who were erased."""
        keys, found = sorted(set(people)), dict[str, ErasedPerson]()
        for start in range(0, len(keys), _KEYS_MAX):
            marks = {self._pseudonyms.of(key): key for key in keys[start : start + _KEYS_MAX]}
            erased = {
                marks[mark]: entity
                for mark, entity in (await self.readable(marks)).items()
                if isinstance(entity, Erased)
            }
            stored = await self._load(erased)
            found |= {key: ErasedPerson(known, key in stored) for key, known in erased.items()}
        return found

    async def _heads(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = self.by_partition(keys)
        return await self._tables.heads(wanted) if wanted else {}


class KnownOrigins:
    """What is stored of some origins, without their accounts; each is decoded once."""

    def __init__(self, stored: Mapping[str, bytes], marks: Mapping[str, str]) -> None:
        self._stored, self._marks = stored, marks
        self._origins: dict[str, Origin | None] = {}

    def origin(self, key: str) -> Origin | None:
        """An origin, be it only that it was erased; raises ``ValueError`` for foreign bytes."""
        if key not in self._origins:
            self._origins[key] = self._decoded(key)
        return self._origins[key]

    def _decoded(self, key: str) -> Origin | None:
        if (value := self._stored.get(key)) is not None:
            return load_bare_origin(value) if key.startswith("origin.") else None
        mark = self._marks.get(key, "")
        if (value := self._stored.get(mark)) is not None:
            entity = load_entity(mark, value)
            return Origin(erased=entity) if isinstance(entity, Erased) else None
        return None
