# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.addressing.partitioning import entity_partition
from stream.addressing.pseudonyms import Pseudonyms
from stream.engine.model.decision import Entity
from stream.engine.model.directory import Directory, Move
from stream.engine.model.ids import origin_key, union_key
from stream.engine.model.state import Erased, Origin
from stream.engine.storage.codec import dump_entity
from stream.resolver.bind_status import BindStatus, BindStatuses
from stream.resolver.lookups import Api, Lookup
from stream.tables import Commit, MemoryTables, Write

MP, MOVED = "wx1a2b3c4d5e6f7a02", "wx1a2b3c4d5e6f7a04"
DIRECTORY = Directory({MP: "abc-brand", MOVED: "abc-group"}, moves={MOVED: Move("abc-brand", 500)})
SECRET = b"a secret of sixteen"


def lookup(openid: str, appid: str = MP, since_ms: int = 1_000) -> Lookup:
    return Lookup(Api.BATCH, appid, openid, since_ms, since_ms + 1)


async def status(stored: dict[str, Entity], asked: Lookup, now_ms: int = 1_000) -> BindStatus:
    tables = MemoryTables(2)
    await tables.claim([0, 1], 1, "test")
    for partition in (0, 1):
        writes = {
            key: Write(dump_entity(entity))
            for key, entity in stored.items()
            if entity_partition(key, 2) == partition
        }
        await tables.commit([Commit(partition, 1, -1, 0, 1, writes)])
    statuses = BindStatuses(tables, DIRECTORY, 2, SECRET, lambda: now_ms)
    return (await statuses.of([asked]))[asked]


async def test_nobody_knows_a_stranger() -> None:
    assert await status({}, lookup("oMei")) is BindStatus.UNBOUND
    assert await status({origin_key(MP, "oMei"): Origin()}, lookup("oMei")) is BindStatus.UNBOUND


async def test_who_is_bound_need_not_be_asked_for() -> None:
    bound = Origin(bound=union_key("abc-brand", "uMei"), generation=1)
    assert await status({origin_key(MP, "oMei"): bound}, lookup("oMei")) is BindStatus.BOUND
    assert await status({origin_key(MP, "oMei"): bound}, lookup("oLi")) is BindStatus.UNBOUND


async def test_after_a_move_everybody_is_asked_for_again() -> None:
    stored: dict[str, Entity] = {
        origin_key(MOVED, "oMei"): Origin(bound=union_key("abc-brand", "uMei"), generation=1)
    }
    assert await status(stored, lookup("oMei", MOVED), now_ms=499) is BindStatus.BOUND
    assert await status(stored, lookup("oMei", MOVED), now_ms=500) is BindStatus.UNBOUND


async def test_a_profile_without_a_union_id_is_nobody_yet() -> None:
    aliases = Origin(bound=union_key("wxformer", "oFormer"), generation=1)
    assert await status({origin_key(MP, "oMei"): aliases}, lookup("oMei")) is BindStatus.UNBOUND


async def test_of_who_was_erased_nothing_is_asked_but_of_what_came_later() -> None:
    key = origin_key(MP, "oMei")
    for stored in (
        {key: Origin(erased=Erased(1_000))},
        {Pseudonyms(SECRET, 2).of(key): Erased(1_000)},
    ):
        assert await status(dict(stored), lookup("oMei", since_ms=1_000)) is BindStatus.ERASED
        assert await status(dict(stored), lookup("oMei", since_ms=1_001)) is BindStatus.UNBOUND
