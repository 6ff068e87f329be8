# SPDX-License-Identifier: Apache-2.0
"""A budget ends its campaign by the log, in all partitions at once, and a replay repeats it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import orjson
import pytest

from schemas import CONTRACTS, parse_time, time_ms
from stream.addressing.topics import TopicNames
from stream.engine.model.limits import SKEW_MS
from stream.engine.model.messages import CampaignEnded
from stream.engine.model.ruleset import Campaign, RuleBook
from stream.engine.model.ruling import RULES_NOTE, read_rules
from stream.kafka.encode import rules_record
from stream.lookup.budgets import Budgets, budget_states, granted_by_campaign
from stream.tables import MemoryTables
from stream.worker.in_process import LocalEngine, drive
from tests.scenarios.brand import DIRECTORY, rules, version
from tests.support import payloads
from tests.support.books import DAY, START

PARTITIONS = 3
MINUTE = 60_000
WEEKS = Campaign("weeks", START, None, Fraction(3), budget=50)
BOOK = rules(offers=(), campaigns=(WEEKS,))


class Shop:
    """An engine, the worker's watch on its budgets, and people who pay."""

    def __init__(self, book: RuleBook = BOOK) -> None:
        self.engine = LocalEngine(book, DIRECTORY, partitions=PARTITIONS)
        self.engine.clock_ms = START + DAY
        self.number = 0
        self.budgets = Budgets(
            self.engine.tables,
            self.engine._append,
            TopicNames(),
            partitions=PARTITIONS,
            namespace="local",
            clock_ms=lambda: self.engine.clock_ms,
        )

    def pays(self, who: str, yuan: int, at_ms: int | None = None) -> None:
        """A yuan is a point, and the campaign adds two."""
        self.number += 1
        at_ms = self.engine.clock_ms if at_ms is None else at_ms
        data = payloads.payment(at_ms, f"t{self.number}", who, yuan * 100, yuan * 100)
        record = payloads.structured("payment.succeeded.v1", f"p{self.number}", at_ms, data)
        self.engine.publish("wechat.pay", None, record)
        self.engine.settle()

    def look(self, after_ms: int = MINUTE) -> list[str]:
        self.engine.clock_ms += after_ms
        ended = drive(self.budgets.look())
        self.engine.settle()
        return ended

    def ends(self) -> list[int]:
        """When the campaign ends, by partition."""
        notes = drive(self.engine.tables.notes(range(PARTITIONS), RULES_NOTE))
        books = [read_rules(note).book for _, note in sorted(notes.items())]
        return [book.ended["weeks"] for book in books if book.ended]

    def granted(self) -> int:
        return drive(granted_by_campaign(self.engine.tables, PARTITIONS))["weeks"]

    def added(self) -> int:
        """What the ledger says that the campaign has added."""
        posted = self.engine.outputs["shadow.ledger"]
        entries: list[Any] = [orjson.loads(record.value or b"") for record in posted]
        return sum(e["points"] for e in entries if e.get("campaign") == "weeks")


def test_it_ends_in_all_partitions_at_one_instant_that_is_said_long_before() -> None:
    shop = Shop()
    shop.pays("oMei-1", 20)
    assert (shop.granted(), shop.look()) == (40, [])
    shop.pays("oLi_-1", 6)
    assert shop.granted() == shop.added() == 52
    assert shop.look() == ["weeks"]
    (ends,) = {*shop.ends()}
    assert len(shop.ends()) == PARTITIONS
    assert ends % MINUTE == 0
    assert SKEW_MS + MINUTE < ends - shop.engine.clock_ms < 10 * MINUTE
    assert shop.look() == []

    (said,) = shop.engine.outputs["shadow.rules"]
    data = orjson.loads(said.value or b"")
    CONTRACTS["campaign.ended.v1"].validate(data)
    assert (data["campaign"], data["budget"], data["granted"]) == ("weeks", 50, 52)
    assert time_ms(parse_time(data["ends_at"])) == ends


def test_what_happened_before_counts_whenever_it_is_heard_of_and_nothing_later() -> None:
    shop = Shop()
    shop.pays("oMei-1", 30)
    shop.look()
    (ends,) = {*shop.ends()}
    shop.engine.clock_ms = ends + DAY
    for at_ms, added in ((ends, 0), (ends - 1, 20), (ends + 1, 0)):
        before = shop.added()
        shop.pays("oLi_-1", 10, at_ms)
        assert shop.added() - before == added
    assert shop.granted() == shop.added() == 80


def test_a_replay_into_empty_tables_repeats_everything() -> None:
    shop = Shop()
    for who, yuan in (("oMei-1", 20), ("oLi_-1", 6), ("oMei-1", 3)):
        shop.pays(who, yuan)
    shop.look()
    (ends,) = {*shop.ends()}
    shop.pays("oMei-1", 5, ends - 1)
    shop.engine.clock_ms = ends
    shop.pays("oMei-1", 5)
    kept = shop.granted(), shop.ends(), shop.engine.entities()
    ledger = {r.key: r.value for r in shop.engine.outputs["shadow.ledger"]}
    shop.engine.outputs.clear()
    shop.engine.restart(MemoryTables(PARTITIONS))
    shop.engine.settle()
    assert (shop.granted(), shop.ends(), shop.engine.entities()) == kept
    assert {r.key: r.value for r in shop.engine.outputs["shadow.ledger"]} == ledger


def test_a_refund_gives_the_budget_points_back_and_an_end_stays_an_end() -> None:
    shop = Shop()
    shop.pays("oMei-1", 30)
    at_ms = shop.engine.clock_ms
    shop.look()
    ends = shop.ends()
    data = payloads.refund(at_ms + 1, "t1", "r1", 3000, 3000, of_fen=3000)
    record = payloads.structured("refund.succeeded.v1", "r1", at_ms + 1, data)
    shop.engine.publish("wechat.pay", None, record)
    shop.engine.settle()
    assert shop.granted() == 0
    assert shop.look() == []
    assert shop.ends() == ends


def test_later_rules_leave_it_ended_and_a_higher_budget_does_not_start_it_again() -> None:
    shop = Shop()
    shop.pays("oMei-1", 30)
    shop.look()
    ends = shop.ends()
    more = replace(WEEKS, budget=1000)
    later = version(2, ends[0] + DAY, offers=(), campaigns=(more,))
    shop.engine.rule(RuleBook((*BOOK.versions, later)))
    shop.engine.settle()
    assert shop.ends() == ends
    shop.engine.clock_ms = ends[0] + 2 * DAY
    before = shop.added()
    shop.pays("oMei-1", 10)
    assert shop.added() == before


def test_a_partition_that_missed_it_gets_the_same_instant_while_that_is_to_come() -> None:
    shop = Shop()
    shop.pays("oMei-1", 30)
    ends = shop.engine.clock_ms + 20 * MINUTE
    record = rules_record(1, CampaignEnded("weeks", ends), TopicNames())
    drive(shop.engine._append([record]))
    shop.engine.settle()
    assert shop.look() == ["weeks"]
    assert shop.ends() == [ends] * PARTITIONS


@pytest.mark.parametrize(
    "campaign",
    [replace(WEEKS, budget=61), replace(WEEKS, ends_ms=START + DAY + 5 * MINUTE)],
    ids=["not exhausted", "over anyway"],
)
def test_there_is_nothing_to_end(campaign: Campaign) -> None:
    shop = Shop(rules(offers=(), campaigns=(campaign,)))
    shop.pays("oMei-1", 30)
    assert (shop.look(), shop.ends()) == ([], [])


def test_how_far_a_budget_is_used_up() -> None:
    shop = Shop()
    shop.pays("oMei-1", 30)

    def state() -> tuple[int, int, int | None]:
        (one,) = drive(budget_states(shop.engine.tables, PARTITIONS))
        return one.granted, one.budget, one.ends_ms

    assert state() == (60, 50, None)
    shop.look()
    assert state() == (60, 50, shop.ends()[0])
    assert drive(budget_states(MemoryTables(PARTITIONS), PARTITIONS)) == []


def test_it_looks_no_more_often_than_it_should() -> None:
    shop = Shop()
    assert shop.look() == []
    shop.pays("oMei-1", 30)
    assert shop.look(after_ms=9_000) == []
    assert shop.look(after_ms=1_000) == ["weeks"]
