# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from schemas import Event
from stream.addressing.topics import TopicNames
from stream.engine.model.ruleset import Caps, RuleBook
from stream.replay.comparison import comparison, comparison_lines, cost_fen
from stream.replay.drafts import NoSuchVersion, as_if
from stream.replay.effects import size_name, uncapped
from stream.replay.event_reader import ReplayPlan
from stream.replay.report import Report
from stream.report.table import Missing
from tests.replay.exported import replayed, structured
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START

AS_OF = START + 12 * DAY
PEOPLE = [f"oP-{number}" for number in range(40)]


def happened() -> list[Event]:
    """Ten days of forty people: a purchase every other day, two visits on each."""
    found = []
    for person, openid in enumerate(PEOPLE):
        who = {"appid": "wxmp", "openid": openid}
        for day in range(10):
            at = START + day * DAY + person
            found += [events.check_in(at + n, f"k{person}-{day}-{n}", who) for n in range(2)]
            if day % 2:
                found.append(events.payment(at, f"t{person}-{day}", openid, 3_000 + person))
        found.append(events.refund(START + 11 * DAY, f"t{person}-1", f"r{person}", 1_000))
    return found


def capped_by_day(book: RuleBook, points: int) -> RuleBook:
    def of(caps: Caps) -> Caps:
        return replace(caps, day=points)

    versions = [
        replace(v, rules={id_: replace(r, caps=of(r.caps)) for id_, r in v.rules.items()})
        for v in book.versions
    ]
    return replace(book, versions=tuple(versions))


LESS = capped_by_day(BOOK, 7)


def report_of(book: RuleBook, against: RuleBook | None = None, shards: int = 1) -> Report:
    plan = ReplayPlan(book, DIRECTORY, TopicNames(), AS_OF, AS_OF, against)
    return replayed(map(structured, happened()), plan, shards=shards)[0]


def net(report: Report) -> dict[str, int]:
    """What the ledger has of each rule."""
    found: Counter[str] = Counter()
    for name, columns in report.points.rules.items():
        found[name.rpartition("@")[0]] += columns["granted"] - columns["clawed_back"]
    return +found


@pytest.fixture(scope="module", params=[1, 2])
def compared(request: pytest.FixtureRequest) -> Report:
    return report_of(LESS, BOOK, request.param)


def test_each_side_is_what_its_rules_alone_come_to(compared: Report) -> None:
    assert compared.against is not None
    for report, book in ((compared, LESS), (compared.against, BOOK)):
        alone = report_of(book)
        assert net(report) == net(alone)
        assert (report.balance, report.offers, report.offered, report.without_offer) == (
            alone.balance, alone.offers, alone.offered, alone.without_offer
        )  # fmt: skip
        assert report.by_outcome() == alone.by_outcome()


def test_the_rows_add_up_to_the_ledger(compared: Report) -> None:
    assert compared.against is not None
    for report in (compared, compared.against):
        rules = {
            rest[0]: count.amount
            for rest, count in report.effects.under("effect_rules")
            if rest[1] == "points"
        }
        assert rules == net(report)
        periods = report.effects.under("effect_periods")
        assert sum(count.amount for rest, count in periods if rest[1] == "points") == sum(
            rules.values()
        )
        live = report.effects.under("effect_sizes")
        assert sum(count.amount for _, count in live) == report.offers


def test_what_caps_cut_is_what_there_would_be_without(compared: Report) -> None:
    free = sum(net(report_of(uncapped(LESS))).values())
    granted = sum(net(compared).values())
    assert compared.effects["effect_overview", "cut"].amount == free - granted > 0


def test_tables_say_costs_and_hide_few(compared: Report) -> None:
    tables = {table.name: table for table in comparison(compared, Decimal("0.015"))}
    overview = {row[0]: row[1:] for row in tables["effect_overview"].rows}
    old, new, change = overview["points"]
    assert isinstance(old, int)
    assert isinstance(new, int)
    assert change == new - old < 0
    kept = overview["kept"][1]
    assert isinstance(kept, int)
    assert overview["cost_yuan"][1] == cost_fen(kept, Decimal("0.015")) / 100
    assert overview["events"][0] == overview["events"][1]
    assert len(tables["effect_periods"].rows) == 10
    assert any("visit" in line for line in comparison_lines([*tables.values()]))

    few = Report(against=Report())
    few.effects.add(("effect_rules", "visit", "points"), 50, 3)
    (row,) = comparison(few, Decimal(1))[1].rows
    assert row[2] is Missing.HIDDEN


def test_a_version_in_force_from_another_day_is_alone_from_then_on() -> None:
    first, second = (replace(BOOK.versions[0], version=n, effective_ms=n * DAY) for n in (1, 2))
    book = replace(BOOK, versions=(first, second))
    moved = replace(first, effective_ms=5 * DAY)
    assert as_if(book, 2, DAY).versions == (replace(second, effective_ms=DAY),)
    assert as_if(book, 1, 5 * DAY).versions == (second, moved)
    with pytest.raises(NoSuchVersion, match="There is no version 7; the rules have: 1, 2"):
        as_if(book, 7, DAY)


def test_classes_of_sizes_sort_as_they_follow() -> None:
    names = [size_name(points) for points in (1, 199, 200, 4_999, 50_000, 90_000)]
    assert names == ["00001-00199", "00001-00199", "00200-00499", "02000-04999", "50000+", "50000+"]
