"""Who of many people was erased: the marks without ids, looked up by the people's keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from stream.engine.codec import load_entity
from stream.engine.leftovers import Gone
from stream.engine.state import Erased
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.tables import Tables

_KEYS_MAX: Final = 2_000  # looked up in one round trip


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
        for mark, value in (await self._load(marks)).items():
            entity = load_entity(mark, value)
            assert isinstance(entity, Erased)
            erased[marks[mark]] = entity
        stored = await self._load(erased)
        return {person: Gone(known, person in stored) for person, known in erased.items()}

    async def _load(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted: dict[int, list[str]] = {}
        for key in keys:
            partition = entity_partition(key, self._pseudonyms.partitions)
            wanted.setdefault(partition, []).append(key)
        return await self._tables.load(wanted) if wanted else {}
