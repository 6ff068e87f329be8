# SPDX-License-Identifier: Apache-2.0
"""The accounting notices what is lost, doubled, or a dead letter which should be none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.brand.directory import load_apps
from stream.engine.model.outcomes import Outcome
from stream.engine.model.state import Account
from stream.engine.storage.codec import dump_entity, load_entity
from stream.worker.in_process import LocalEngine
from tests.chaos.accounting import Facts, Reckoning, account_for
from tests.chaos.journal import Journal
from tests.chaos.spool import Spool
from tests.chaos.undisturbed import undisturbed
from tests.integration.test_day import BOOK, now_ms

pytestmark = pytest.mark.slow

AS_OF = now_ms()
LOG = ("source", 0)


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Spool:
    return Spool.of(tmp_path_factory.mktemp("spool") / "spool", 800, part_events_max=400)


@pytest.fixture(scope="module")
def reckoning(spool: Spool) -> Reckoning:
    return undisturbed(spool, AS_OF).reckoning


@pytest.fixture(scope="module")
def entities(spool: Spool) -> dict[str, bytes]:
    """What a run without faults has stored, the parts together."""
    engine = LocalEngine(BOOK, load_apps(None))
    for record in spool.read(range(len(spool))):
        engine.publish(record.topic, record.key, record.value, record.headers, AS_OF)
    engine.settle()
    return engine.entities()


@pytest.fixture
def journal(tmp_path: Path, spool: Spool) -> Iterator[Journal]:
    """Every record acknowledged, and the first ten a second time."""
    with Journal(tmp_path / "journal") as journal:
        for offset, number in enumerate((*range(len(spool)), *range(10))):
            journal.acknowledged(number, *LOG, offset)
        yield journal


@pytest.fixture
def dead(reckoning: Reckoning) -> dict[tuple[str, int], set[int]]:
    """The dead letters there must be, by place."""
    numbers = range(len(reckoning.outcomes))
    return {LOG: {number for number in numbers if reckoning[number][0] is Outcome.DEAD}}


def an_account(entities: dict[str, bytes]) -> tuple[str, Account]:
    """One with touches of an origin."""
    for key, value in entities.items():
        entity = load_entity(key, value)
        if isinstance(entity, Account) and any(s.touches for s in entity.facts_by_origin.values()):
            return key, entity
    raise LookupError


def test_it_adds_up(
    journal: Journal,
    reckoning: Reckoning,
    entities: dict[str, bytes],
    dead: dict[tuple[str, int], set[int]],
) -> None:
    balance = account_for(journal, reckoning, Facts.of(entities, BOOK, AS_OF), dead)
    assert balance.holds
    assert balance.acknowledged.total() == len(reckoning.outcomes) + 10
    assert reckoning.counts().keys() == {
        *("applied", "duplicate", "parked", "dead", "refused", "member"),
    }


def test_a_lost_fact_is_noticed(
    journal: Journal,
    reckoning: Reckoning,
    entities: dict[str, bytes],
    dead: dict[tuple[str, int], set[int]],
) -> None:
    key, account = an_account(entities)
    touches = next(
        origin_facts for origin_facts in account.facts_by_origin.values() if origin_facts.touches
    ).touches
    del touches[next(iter(touches))]
    changed = entities | {key: dump_entity(account)}
    assert account_for(journal, reckoning, Facts.of(changed, BOOK, AS_OF), dead).lost.total() >= 1


def test_a_fact_in_two_accounts_is_noticed(entities: dict[str, bytes]) -> None:
    _, account = an_account(entities)
    changed = entities | {"union.abc-brand.somebody-else": dump_entity(account)}
    assert not Facts.of(entities, BOOK, AS_OF).doubled
    assert Facts.of(changed, BOOK, AS_OF).doubled >= 1


def test_dead_letters_are_those_of_the_acknowledged_places(
    journal: Journal,
    reckoning: Reckoning,
    entities: dict[str, bytes],
    dead: dict[tuple[str, int], set[int]],
) -> None:
    facts = Facts.of(entities, BOOK, AS_OF)
    missing = min(dead[LOG])
    balance = account_for(journal, reckoning, facts, {LOG: dead[LOG] - {missing}})
    assert balance.lost == {Outcome.DEAD: 1}
    sound = next(n for n in range(10, len(reckoning.outcomes)) if n not in dead[LOG])
    assert account_for(journal, reckoning, facts, {LOG: dead[LOG] | {sound}}).extra_dead == 1


def test_a_place_is_acknowledged_once(journal: Journal) -> None:
    assert journal.by_place()[LOG][0] == 0
    journal.acknowledged(0, *LOG, 5)
    with pytest.raises(AssertionError, match="two records"):
        journal.by_place()
