from __future__ import annotations

from stream.engine.codec import dump_entity
from stream.engine.decision import Entity
from stream.engine.directory import Directory, Move
from stream.engine.ids import origin_key, union_key
from stream.engine.state import Erased, Origin
from stream.resolver.asks import Api, Ask
from stream.resolver.standing import Standing, Standings
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.tables import Commit, MemoryTables, Write

MP, MOVED = "wx1a2b3c4d5e6f7a02", "wx1a2b3c4d5e6f7a04"
DIRECTORY = Directory({MP: "abc-brand", MOVED: "abc-group"}, moves={MOVED: Move("abc-brand", 500)})
SECRET = b"a secret of sixteen"


def ask(openid: str, appid: str = MP, since_ms: int = 1_000) -> Ask:
    return Ask(Api.BATCH, appid, openid, since_ms, since_ms + 1)


async def standing(stored: dict[str, Entity], asked: Ask, now_ms: int = 1_000) -> Standing:
    tables = MemoryTables(2)
    await tables.claim([0, 1], 1, "test")
    for partition in (0, 1):
        writes = {
            key: Write(dump_entity(entity))
            for key, entity in stored.items()
            if entity_partition(key, 2) == partition
        }
        await tables.commit([Commit(partition, 1, -1, 0, 1, writes)])
    standings = Standings(tables, DIRECTORY, 2, SECRET, lambda: now_ms)
    return (await standings.of([asked]))[asked]


async def test_nobody_knows_a_stranger() -> None:
    assert await standing({}, ask("oMei")) is Standing.UNBOUND
    assert await standing({origin_key(MP, "oMei"): Origin()}, ask("oMei")) is Standing.UNBOUND


async def test_who_is_bound_need_not_be_asked_for() -> None:
    bound = Origin(bound=union_key("abc-brand", "uMei"), generation=1)
    assert await standing({origin_key(MP, "oMei"): bound}, ask("oMei")) is Standing.BOUND
    assert await standing({origin_key(MP, "oMei"): bound}, ask("oLi")) is Standing.UNBOUND


async def test_after_a_move_everybody_is_asked_for_again() -> None:
    stored: dict[str, Entity] = {
        origin_key(MOVED, "oMei"): Origin(bound=union_key("abc-brand", "uMei"), generation=1)
    }
    assert await standing(stored, ask("oMei", MOVED), now_ms=499) is Standing.BOUND
    assert await standing(stored, ask("oMei", MOVED), now_ms=500) is Standing.UNBOUND


async def test_a_profile_without_a_union_id_is_nobody_yet() -> None:
    kin = Origin(bound=union_key("wxformer", "oFormer"), generation=1)
    assert await standing({origin_key(MP, "oMei"): kin}, ask("oMei")) is Standing.UNBOUND


async def test_of_who_was_erased_nothing_is_asked_but_of_what_came_later() -> None:
    key = origin_key(MP, "oMei")
    for stored in (
        {key: Origin(erased=Erased(1_000))},
        {Pseudonyms(SECRET, 2).of(key): Erased(1_000)},
    ):
        assert await standing(dict(stored), ask("oMei", since_ms=1_000)) is Standing.ERASED
        assert await standing(dict(stored), ask("oMei", since_ms=1_001)) is Standing.UNBOUND
