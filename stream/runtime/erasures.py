"""Who of many people was erased: the marks without ids, looked up by the people's keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from stream.engine.codec import load_entity
from stream.engine.decision import Entity
from stream.engine.leftovers import Gone
from stream.engine.state import Erased
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.tables import Tables

_KEYS_MAX: Final = 2_000  # looked up in one round trip


def readable(values: Mapping[str, bytes]) -> dict[str, Entity]:
    """Those entities which can be read; `shadowpoints verify` tells of others."""
    found = {}
    for key, value in values.items():
        with suppress(KeyError, msgspec.MsgspecError):
            found[key] = load_entity(key, value)
    return found


class Erasures:
    """Reads the tables without owning them, so that an answer may be out of date."""

    def __init__(self, tables: Tables, pseudonyms: Pseudonyms) -> None:
        self._tables, self._pseudonyms = tables, pseudonyms

    async def among(self, people: Iterable[str]) -> dict[str, Gone]:
        """Those who were erased."""
        keys, found = sorted(set(people)), dict[str, Gone]()
        for start in range(0, len(keys), _KEYS_MAX):
            found |= await self._among(keys[start : start + _KEYS_MAX])
        return found

    async def _among(self, people: Sequence[str]) -> dict[str, Gone]:
        marks = {self._pseudonyms.of(person): person for person in people}
        erased: dict[str, Erased] = {}
        for mark, entity in readable(await self.load(marks)).items():
            if isinstance(entity, Erased):
                erased[marks[mark]] = entity
        stored = await self.load(erased)
        return {person: Gone(known, person in stored) for person, known in erased.items()}

    async def load(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What is stored under keys of any partition."""
        wanted: dict[int, list[str]] = {}
        for key in keys:
            partition = entity_partition(key, self._pseudonyms.partitions)
            wanted.setdefault(partition, []).append(key)
        return await self._tables.load(wanted) if wanted else {}
