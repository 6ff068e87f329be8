# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas import CONTRACTS, Event
from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.demo.day import Day, generate
from stream.engine.audit.verify import account_of
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.engine.storage.codec import load_entity
from stream.replay.event_reader import ReplayPlan
from stream.replay.report import Report
from stream.replay.run import replay
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.demo.sample import DATE
from tests.replay.exported import publish, replayed, structured, wrap, wrapped
from tests.simulation.history import Published, history, seasons
from tests.support import events
from tests.support.books import ACCOUNTS, BOOK, DAY, DIRECTORY, OPT_IN, PENDING, START
from tests.support.events import DAYS, histories
from tests.support.model import Model
from tests.support.snapshot import snapshot

pytestmark = pytest.mark.slow

END = START + (DAYS + 1) * DAY


def plan(book: RuleBook, as_of: int, directory: Directory = DIRECTORY) -> ReplayPlan:
    return ReplayPlan(book, directory, TopicNames(), as_of, as_of)


def conserved(report: Report) -> None:
    rules = report.points.rules.values()
    left = sum(c["granted"] - c["clawed_back"] - c["expired"] for c in rules)
    assert left - report.points.paid == report.balance
    assert sum(report.by_outcome().values()) == report.read.events - report.read.left_out


def live(events: list[Event], book: RuleBook, as_of: int) -> LocalEngine:
    """All of them published one after the other at their own times, by a worker which ticks."""
    local = LocalEngine(book, DIRECTORY)
    for event in sorted(events, key=lambda e: e.time_ms):
        local.advance(event.time_ms)
        publish(local, event, event.time_ms)
    local.advance(as_of)
    return local


@pytest.fixture(scope="module")
def day() -> Day:
    return generate(seed=5, consumers=400, events=4_000, day=DATE, directory=load_apps())


@pytest.fixture(scope="module")
def lived(day: Day) -> LocalEngine:
    local = LocalEngine(load_rules(), load_apps())
    for record in day.records:
        local.publish(record.topic, record.key, record.value, record.headers, record.time_ms)
    local.settle()
    local.advance(day.end_ms)
    return local


@pytest.mark.parametrize("shards", [1, 3])
def test_the_sample_day_ends_as_in_a_worker(day: Day, lived: LocalEngine, shards: int) -> None:
    book = load_rules()
    what = plan(book, day.end_ms, load_apps())
    report, entities, balances = replayed(map(wrapped, day.records), what, shards=shards)

    expected = snapshot(lived.entities(), book, day.end_ms)
    assert snapshot(entities, book, day.end_ms) == expected
    assert report.by_outcome() == lived.counts()
    assert report.offers == len(expected.live)
    assert report.offered == sum(expected.live.values())
    assert report.balance == sum(expected.balances.values())
    assert report.points.paid == sum(expected.payouts.values())
    lines = {line["consumer_id"]: line for line in map(orjson.loads, balances)}
    assert {k: n["balance"] for k, n in lines.items() if n["balance"]} == expected.balances
    assert {k: n["offer"] for k, n in lines.items() if n["offer"]} == expected.live
    conserved(report)


def test_real_processes_and_gzip_give_the_same(
    day: Day, lived: LocalEngine, tmp_path: Path
) -> None:
    lines = [*map(wrapped, day.records)]
    whole, half = tmp_path / "a.jsonl", tmp_path / "b.gz"
    whole.write_bytes(b"\n".join(lines[::2]))
    half.write_bytes(gzip.compress(b"\n".join(lines[1::2])))
    balances = tmp_path / "balances"
    watched: dict[str, list[int]] = {}

    def watch(what: str, length: int) -> Callable[[int], None]:
        watched[what] = [length, 0]

        def done(number: int) -> None:
            watched[what][1] += number

        return done

    what = plan(load_rules(), day.end_ms, load_apps())
    report = replay([whole, half], what, processes=2, balances=balances, watch=watch)

    expected = snapshot(lived.entities(), load_rules(), day.end_ms)
    rows = [orjson.loads(line) for line in balances.read_bytes().splitlines()]
    assert {line["consumer_id"]: line["balance"] for line in rows if line["balance"]} == (
        expected.balances
    )
    assert rows == sorted(rows, key=lambda line: str(line["consumer_id"]))
    assert balances.stat().st_mode & 0o777 == 0o600
    assert report.by_outcome() == lived.counts()
    assert {what: done == length for what, (length, done) in watched.items()} == {
        "reading": True,
        "applying": True,
    }


@pytest.mark.parametrize("book", [BOOK, OPT_IN, PENDING], ids=["opt_out", "opt_in", "pending"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(happened=histories(), seed=st.integers(0, 2**32), shards=st.sampled_from([1, 2, 3]))
def test_any_export_of_a_history_ends_as_in_a_worker(
    book: RuleBook, happened: list[Event], seed: int, shards: int
) -> None:
    assume(not Model(book, ACCOUNTS).is_left_to_chance(happened))
    random = Random(seed)
    published = [*happened, *random.choices(happened, k=len(happened) // 2)] if happened else []
    random.shuffle(published)
    local = LocalEngine(book, DIRECTORY, random=random)
    for event in published:
        publish(local, event, END)
    local.settle()
    local.advance(END)

    report, entities, _ = replayed(map(structured, published), plan(book, END), shards=shards)

    assert snapshot(entities, book, END) == snapshot(local.entities(), book, END)
    assert report.by_outcome() == local.counts()
    conserved(report)


@pytest.mark.parametrize("kind", [history, seasons], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seed", range(20))
def test_records_with_their_times_end_as_in_a_worker(
    kind: Callable[[Random], list[Published]], seed: int
) -> None:
    """Late, early and repeated records, long rests."""
    random = Random(seed)
    published = [(at, event) for at, event in kind(random) if event is not None]
    published.sort(key=lambda p: p[0])
    as_of = max(max(at, event.time_ms) for at, event in published) + random.choice([0, 10]) * DAY
    local = LocalEngine(BOOK, DIRECTORY)
    for at, event in published:
        local.advance(at)
        publish(local, event, at)
        local.settle()
    local.advance(as_of)
    lines = [wrap(CONTRACTS[e.type].topics[0], structured(e).decode(), at) for at, e in published]

    report, entities, _ = replayed(lines, plan(BOOK, as_of), shards=1 + seed % 3)

    assert snapshot(entities, BOOK, as_of) == snapshot(local.entities(), BOOK, as_of)
    assert report.by_outcome() == local.counts()
    conserved(report)


# --- what time does -------------------------------------------------------------------------------

MEI = "oMei-1"


def years(*more: Event) -> list[Event]:
    """Visits and purchases of three people over three years, at most 20 days apart."""
    found = [*more]
    for number in range(60):
        at = START + number * 18 * DAY
        openid = events.OPENIDS[number % 3]
        paid = events.payment(at, f"t{number}", openid, 1000 + number)
        who = {"appid": "wxmp", "openid": openid}
        found += [paid, events.check_in(at + 1, f"k{number}", who)]
        if number % 4 == 0:
            found.append(events.refund(at + 9 * DAY, f"t{number}", f"r{number}", 300))
    return found


@pytest.mark.parametrize("shards", [1, 2])
def test_years_are_folded_as_in_a_worker(shards: int) -> None:
    """A bind after two years finds two accounts in which caps have long been settled."""
    binds = [
        events.login(START + 5 * DAY, "oMei-1", "uMei"),
        events.login(START + 700 * DAY, "oMei-2", "uMei"),
        events.enrolled(START + 900 * DAY, "m1", {"consumer_id": "origin.wxmp.oLi_-1"}),
    ]
    happened, as_of = years(*binds), START + 1100 * DAY
    local = live(happened, BOOK, as_of)

    report, entities, _ = replayed(map(structured, happened), plan(BOOK, as_of), shards=shards)

    assert snapshot(entities, BOOK, as_of) == snapshot(local.entities(), BOOK, as_of)
    assert report.by_outcome() == local.counts()
    assert sum(columns["expired"] for columns in report.points.rules.values()) > 0
    closed = [account_of(load_entity(k, v)) for k, v in entities.items()]
    assert any(
        s.archived for account in closed if account for s in account.facts_by_origin.values()
    )
    conserved(report)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("bound", [False, True])
def test_who_was_not_seen_for_too_long_begins_again(back: bool, bound: bool) -> None:
    book = replace(BOOK, idle_days=500)
    late = START + 600 * DAY
    happened = [events.check_in(START, "k1", {"appid": "wxmp", "openid": MEI})]
    happened += [events.login(START + 1, MEI, "uMei")] if bound else []
    happened += [events.check_in(late, "k2", {"appid": "wxmp", "openid": MEI})] if back else []
    local = live(happened, book, late + DAY)

    report, entities, _ = replayed(map(structured, happened), plan(book, late + DAY), shards=2)

    found = snapshot(entities, book, late + DAY)
    assert found == snapshot(local.entities(), book, late + DAY)
    assert sum(found.balances.values()) == (15 if back else 0)
    conserved(report)


def test_a_payment_is_forgotten_when_its_time_is_over() -> None:
    """A refund after that waits for nothing, and is refused in the end."""
    much_later = START + 500 * DAY
    happened = [events.payment(START, "t1", MEI, 2000), events.refund(much_later, "t1", "r1", 2000)]
    for as_of, outcome in ((much_later + DAY, "parked"), (much_later + 500 * DAY, "refused")):
        local = live(happened, BOOK, as_of)
        report, entities, _ = replayed(map(structured, happened), plan(BOOK, as_of))
        assert report.by_outcome() == {"applied": 1, outcome: 1}
        assert snapshot(entities, BOOK, as_of) == snapshot(local.entities(), BOOK, as_of)
        conserved(report)


@pytest.mark.parametrize("shards", [1, 2])
def test_who_asked_to_be_forgotten_keeps_what_was_paid(shards: int) -> None:
    person = {"consumer_id": "union.brand.uMei"}
    happened = [
        events.login(START, MEI, "uMei"),
        events.payment(START + DAY, "t1", MEI, 2000),
        events.enrolled(START + 2 * DAY, "m1", {"transaction_id": "t1"}),
        events.event("erase.requested.v1", START + 3 * DAY, person),
        events.check_in(START + 4 * DAY, "k1", {"appid": "wxmp", "openid": MEI}),
        events.consent(START + 5 * DAY, "granted", {"appid": "wxmp", "openid": MEI}),
    ]
    as_of = START + 6 * DAY
    local = live(happened, BOOK, as_of)

    report, entities, _ = replayed(map(structured, happened), plan(BOOK, as_of), shards=shards)

    assert snapshot(entities, BOOK, as_of) == snapshot(local.entities(), BOOK, as_of)
    assert report.points.paid > 0
    assert report.balance == 10  # the visit, once she had agreed again
    conserved(report)


def test_what_came_later_is_left_out() -> None:
    happened = [events.page_view(START + n * DAY, MEI) for n in range(4)]

    report, _, _ = replayed(map(structured, happened), plan(BOOK, START + DAY))

    assert (report.read.events, report.read.left_out) == (4, 2)
    assert report.by_outcome() == {"applied": 2}


def test_without_a_date_the_last_event_is_the_end() -> None:
    happened = [events.page_view(START + n * DAY, MEI) for n in (3, 1)]
    what = ReplayPlan(BOOK, DIRECTORY, TopicNames(), now=END)

    assert replayed(map(structured, happened), what)[0].as_of == START + 3 * DAY
    assert replayed([], what)[0].as_of == END
