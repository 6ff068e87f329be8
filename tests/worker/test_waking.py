# SPDX-License-Identifier: Apache-2.0
"""A version which is published later wakes whom it concerns when it starts, and stalls nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from schemas import parse_time, time_ms
from stream.engine.model.limits import SKEW_MS
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.tables import MemoryTables
from stream.worker.in_process import LocalEngine, drive
from stream.worker.partition_step import WAKING_NOTE
from tests.scenarios.brand import APPS, DIRECTORY, version
from tests.support.books import DAY, HOUR, START
from tests.support.payloads import structured

PARTITIONS = 2
OLD = version(1, START)
STARTS = START + 2 * DAY + 5 * HOUR


def generous(starts: int = STARTS) -> RuleSet:
    """Offers from one point on."""
    later = version(2, starts)
    return replace(later, offers=(replace(later.offers[0], threshold_points=1),))


class Steps(MemoryTables):
    """Notes how many entities each commit wrote and woke."""

    def __init__(self) -> None:
        super().__init__(PARTITIONS)
        self.woken: list[int] = []
        self.written: list[int] = []

    async def commit(self, commits: Any) -> Any:
        for commit in commits:
            self.written.append(len(commit.writes))
            if commit.wakes:
                self.woken.append(len(commit.wakes))
        return await super().commit(commits)


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    """Thirty people with five points each, of whom the CRM has heard nothing."""
    with (
        patch("stream.worker.partition_step.STEP_WAKES_MAX", 4),
        patch("stream.worker.reward.STEP_WAKES_MAX", 4),
    ):
        local = LocalEngine(RuleBook((OLD,)), DIRECTORY, Steps(), partitions=PARTITIONS)
        local.clock_ms = START + HOUR
        for number in range(30):
            data = {"appid": APPS["mp"], "openid": f"oPerson-{number:02}"}
            local.publish("wechat.mini-program", None, login(number, local.clock_ms, data))
        local.settle()
        assert not local.outputs["shadow.offers"]
        yield local


def login(number: int, at_ms: int, data: dict[str, str]) -> bytes:
    return structured("session.logged_in.v1", f"login-{number}", at_ms, data)


def view(at_ms: int, data: dict[str, str]) -> bytes:
    """It earns nothing."""
    return structured("page.viewed.v1", "view", at_ms, {"path": "/menu", **data})


def waking(engine: LocalEngine) -> list[int]:
    notes = drive(engine.tables.notes(range(PARTITIONS), WAKING_NOTE))
    return [int(note) for note in notes.values()]


def issued(engine: LocalEngine) -> dict[str, int]:
    """Who was made an offer, and when (ms)."""
    found = {}
    for record in engine.outputs["shadow.offers"]:
        headers = {name: value.decode() for name, value in record.headers}
        assert headers["ce_type"] == "offer.issued.v1"
        found[headers["ce_subject"]] = time_ms(parse_time(headers["ce_time"]))
    return found


def test_who_was_settled_before_gets_the_offer_when_it_starts(engine: LocalEngine) -> None:
    engine.rule(RuleBook((OLD, generous())))
    engine.advance(STARTS - 1)
    assert issued(engine) == {}
    engine.advance(STARTS)
    assert set(issued(engine).values()) == {STARTS}
    assert len(issued(engine)) == 30


def test_a_few_are_woken_at_a_time_and_nobody_is_counted_for_it(engine: LocalEngine) -> None:
    tables = engine.tables
    assert isinstance(tables, Steps)
    engine.rule(RuleBook((OLD, generous())))
    engine.settle()
    assert waking(engine) == [STARTS] * PARTITIONS
    tables.written.clear()
    engine.advance(engine.clock_ms + HOUR)
    assert sum(tables.woken) == 30
    assert max(tables.woken) == 4
    assert sum(tables.written) == 0
    assert waking(engine) == [0] * PARTITIONS


def test_a_version_which_is_taken_back_changes_nothing(engine: LocalEngine) -> None:
    engine.rule(RuleBook((OLD, generous())))
    engine.advance(engine.clock_ms + HOUR)
    engine.rule(RuleBook((OLD,)))
    engine.advance(STARTS + DAY)
    assert issued(engine) == {}


def test_a_version_which_is_put_earlier_starts_earlier(engine: LocalEngine) -> None:
    engine.rule(RuleBook((OLD, generous())))
    engine.advance(engine.clock_ms + HOUR)
    engine.rule(RuleBook((OLD, generous(STARTS - DAY))))
    engine.advance(STARTS)
    assert set(issued(engine).values()) == {STARTS - DAY}
    assert len(issued(engine)) == 30


def test_a_start_which_some_do_not_know_is_not_lost_by_the_next_one(engine: LocalEngine) -> None:
    """No tick came before the version started, nor before another one was published."""
    engine.rule(RuleBook((OLD, generous())))
    engine.settle()
    engine.clock_ms = STARTS + HOUR
    further = replace(generous(STARTS + 40 * DAY), version=3)
    engine.rule(RuleBook((OLD, generous(), further)))
    engine.advance(STARTS + 2 * HOUR)
    assert set(issued(engine).values()) == {STARTS + HOUR}
    assert len(issued(engine)) == 30
    assert waking(engine) == [0] * PARTITIONS
    due = drive(engine.tables.next_due(range(PARTITIONS)))
    assert min(due.values()) > STARTS + 2 * HOUR


@pytest.mark.parametrize("idle_days", [0, 400])
def test_fewer_idle_days_end_the_accounts_which_are_idle_by_them(idle_days: int) -> None:
    """Also of whoever has no points, and of whom nothing else would ever look."""
    book = RuleBook((OLD,), payment_horizon_days=35, idle_days=idle_days)
    local = LocalEngine(book, DIRECTORY, partitions=PARTITIONS)
    local.clock_ms = START + HOUR
    visitor = {"appid": APPS["mp"], "openid": "oVisitor"}
    local.publish("wechat.mini-program", None, view(local.clock_ms, visitor))
    for number in range(3):
        data = {"appid": APPS["mp"], "openid": f"oPerson-{number:02}"}
        local.publish("wechat.mini-program", None, login(number, local.clock_ms, data))
    local.settle()
    assert len(local.entities()) == 4

    local.rule(replace(book, idle_days=97))
    local.advance(START + HOUR + 97 * DAY - 1)
    assert len(local.entities()) == 4
    local.advance(START + HOUR + 97 * DAY)

    assert not [key for key in local.entities() if key.startswith("origin.")]


def test_one_which_would_start_too_soon_is_not_taken(engine: LocalEngine) -> None:
    engine.rule(RuleBook((OLD, generous(engine.clock_ms + SKEW_MS))))
    engine.advance(STARTS)
    assert issued(engine) == {}


def test_a_rebuild_wakes_the_same_people_at_the_same_time(engine: LocalEngine) -> None:
    engine.rule(RuleBook((OLD, generous())))
    engine.advance(STARTS + HOUR)
    before = issued(engine)
    published = {*engine.outputs["shadow.offers"]}
    entities = engine.entities()
    engine.restart(MemoryTables(PARTITIONS))
    engine.settle()
    assert issued(engine) == before
    assert {*engine.outputs["shadow.offers"]} == published
    assert len(engine.outputs["shadow.offers"]) == 2 * len(published)
    assert engine.entities() == entities
