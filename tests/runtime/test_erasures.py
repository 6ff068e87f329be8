from __future__ import annotations

from stream.engine.codec import dump_entity
from stream.engine.leftovers import Gone
from stream.engine.state import Account, Erased
from stream.runtime.erasures import Erasures
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.tables.base import Commit, Write
from stream.tables.memory import MemoryTables

PARTITIONS = 3
PSEUDONYMS = Pseudonyms(b"secret", PARTITIONS)
ERASED = Erased(7, True, since=8)


async def tables(**entities: Account | Erased) -> MemoryTables:
    made = MemoryTables(PARTITIONS)
    for partition, claim in (await made.claim(range(PARTITIONS), 1, "w")).items():
        mine = {k: v for k, v in entities.items() if entity_partition(k, PARTITIONS) == partition}
        writes = {key: Write(dump_entity(entity)) for key, entity in mine.items()}
        await made.commit([Commit(partition, claim.epoch, -1, 0, 0, writes)])
    return made


async def test_the_erased_are_told_from_all_others() -> None:
    people = [f"union.brand.u{number}" for number in range(5_000)]
    gone, back, here = people[1], people[3_000], people[4_000]
    marks = {PSEUDONYMS.of(key): ERASED for key in (gone, back)}
    erasures = Erasures(await tables(**marks, **{back: Account(), here: Account()}), PSEUDONYMS)

    assert await erasures.among(people) == {gone: Gone(ERASED, False), back: Gone(ERASED, True)}
    assert await erasures.among([]) == {}


async def test_with_another_secret_nobody_is_recognised() -> None:
    known = await tables(**{PSEUDONYMS.of("union.brand.uMei"): ERASED})
    erasures = Erasures(known, Pseudonyms(b"another", PARTITIONS))
    assert await erasures.among(["union.brand.uMei"]) == {}
