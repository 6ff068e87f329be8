# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from stream.addressing.partitioning import entity_partition
from stream.addressing.pseudonyms import Pseudonyms
from stream.engine.erasure.residue import ErasedPerson
from stream.engine.model.decision import Entity
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account, Erased, Origin
from stream.engine.storage.codec import dump_entity
from stream.lookup.entity_reader import EntityReader, PeopleReader
from stream.tables.base import Commit, Write
from stream.tables.memory import MemoryTables

PARTITIONS = 3
PSEUDONYMS = Pseudonyms(b"secret", PARTITIONS)
ERASED = Erased(7, True, since=8)


async def tables(**entities: Entity) -> MemoryTables:
    made = MemoryTables(PARTITIONS)
    for partition, claim in (await made.claim(range(PARTITIONS), 1, "w")).items():
        mine = {k: v for k, v in entities.items() if entity_partition(k, PARTITIONS) == partition}
        writes = {key: Write(dump_entity(entity)) for key, entity in mine.items()}
        await made.commit([Commit(partition, claim.epoch, -1, 0, 0, writes)])
    return made


async def test_the_erased_differ_from_all_others() -> None:
    people = [f"union.brand.u{number}" for number in range(5_000)]
    gone, back, here = people[1], people[3_000], people[4_000]
    marks = {PSEUDONYMS.of(key): ERASED for key in (gone, back)}
    reader = PeopleReader(await tables(**marks, **{back: Account(), here: Account()}), PSEUDONYMS)
    assert await reader.erased_among(people) == {
        gone: ErasedPerson(ERASED, False),
        back: ErasedPerson(ERASED, True),
    }
    assert await reader.erased_among([]) == {}


async def test_with_another_secret_nobody_is_recognised() -> None:
    known = await tables(**{PSEUDONYMS.of("union.brand.uMei"): ERASED})
    reader = PeopleReader(known, Pseudonyms(b"another", PARTITIONS))
    assert await reader.erased_among(["union.brand.uMei"]) == {}


UNION = "union.brand.uMei"
ORIGINS = [f"origin.wx1.o{number}" for number in range(40)]


async def test_entities_of_all_partitions_are_read_at_once() -> None:
    known: dict[str, Entity] = {key: Origin(bound=UNION) for key in ORIGINS}
    stored = await tables(**known)
    calls = 0
    load = stored.load

    async def counted(wanted: dict[int, list[str]]) -> dict[str, bytes]:
        nonlocal calls
        calls += 1
        return await load(wanted)

    stored.load = counted  # type: ignore[method-assign,assignment]
    reader = EntityReader(stored, PARTITIONS)

    assert await reader.entities([*ORIGINS, "origin.wx1.none"]) == known
    assert calls == 1
    assert await reader.entities([]) == {}
    assert calls == 1
    assert await reader.entity(ORIGINS[0]) == Origin(bound=UNION)
    assert await reader.entity("origin.wx1.none") is None


async def test_what_cannot_be_decoded_is_left_out_or_raised() -> None:
    made = MemoryTables(1)
    claim = (await made.claim([0], 1, "w"))[0]
    writes = {ORIGINS[0]: Write(b"\xc1"), ORIGINS[1]: Write(dump_entity(Origin()))}
    await made.commit([Commit(0, claim.epoch, -1, 0, 0, writes)])
    reader = PeopleReader(made, Pseudonyms(b"", 1))
    assert await reader.readable(ORIGINS) == {ORIGINS[1]: Origin()}
    with pytest.raises(msgspec.MsgspecError):
        await reader.entities(ORIGINS)
    known = await reader.origins(ORIGINS)
    assert known.origin(ORIGINS[1]) == Origin()
    with pytest.raises(ValueError, match="pages"):
        known.origin(ORIGINS[0])


@pytest.mark.parametrize(
    ("key", "person"),
    [
        ("tx.1", UNION),
        ("tx.2", ORIGINS[1]),
        ("tx.3", None),
        ("tx.4", None),
        (ORIGINS[0], UNION),
        (ORIGINS[1], ORIGINS[1]),
        (ORIGINS[2], ORIGINS[2]),
        (UNION, UNION),
    ],
)
async def test_a_key_leads_to_a_person(key: str, person: str | None) -> None:
    stored: dict[str, Entity] = {
        "tx.1": Payment(origin=ORIGINS[0]),
        "tx.2": Payment(origin=ORIGINS[1]),
        "tx.3": Payment(),
        ORIGINS[0]: Origin(bound=UNION),
        ORIGINS[1]: Origin(),
        UNION: Account(),
    }
    known = await tables(**stored)
    assert await EntityReader(known, PARTITIONS).person_behind(key) == person


async def test_an_origin_is_known_by_itself_or_by_its_mark() -> None:
    bound, gone, back, unknown = ORIGINS[:4]
    marks: dict[str, Entity] = {PSEUDONYMS.of(key): ERASED for key in (gone, back)}
    stored = await tables(
        **marks, **{bound: Origin(bound=UNION, account=Account()), back: Origin(bound=UNION)}
    )

    async def read(keys: Sequence[str]) -> list[Origin | None]:
        known = await PeopleReader(stored, PSEUDONYMS).origins(keys)
        return [known.origin(key) for key in keys]

    assert await read([bound, gone, back, unknown]) == [
        Origin(bound=UNION),
        Origin(erased=ERASED),
        Origin(bound=UNION),
        None,
    ]
    assert await read([]) == []
