# SPDX-License-Identifier: Apache-2.0
"""What becomes known after months: a bind, an answer, an enrolment. It counts as if known at once.

Each history arrives in two orders which differ only in what comes first in one minute; or it is
that of many people whom nobody knew to be one until they had been active for four months.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

import pytest

from schemas import Event
from stream.engine.model.ruleset import Caps, ConsentMode, EarningRule, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from stream.rules.loader import load_rules
from tests.scenarios.brand import rules
from tests.scenarios.notation import at
from tests.support.books import ACCOUNTS, DAY, DIRECTORY, FIRST, HOUR
from tests.support.events import check_in, consent, enrolled, login, page_view, payment, refund
from tests.support.model import Model
from tests.support.world import World

MP, OA = {"appid": "wxmp", "openid": "a1"}, {"appid": "wxoa", "openid": "b1"}
MEI = {"unionid": "u1", "open_account": "brand"}
WHO = "union.brand.u1"


def small(*, points: int = 20, first_time: bool = False, caps: Caps | None = None) -> RuleBook:
    """A check-in earns so much, and nothing else earns anything."""
    rule = EarningRule(
        "visit", Touchpoint.CHECK_IN, points, first_time=first_time, caps=caps or Caps()
    )
    version = replace(
        FIRST, effective_ms=at("2025-01-01 00:00"), rules={"visit": rule}, campaigns=()
    )
    return RuleBook((replace(version, consent=ConsentMode.OPT_OUT, expiry_days=None),))


def lived(book: RuleBook, happened: Iterable[Event]) -> World:
    """The world after events which arrived as they happened, those of one minute as given."""
    world = World(book, DIRECTORY, partitions=1, stale=False)
    for event in sorted(happened, key=lambda event: event.time_ms // (HOUR // 60)):
        world.clock = max(world.clock, event.time_ms)
        world.advance(world.clock)
        world.publish(event, world.clock)
        world.settle()
    assert world.dead == []
    assert world.violations() == []
    return world


def visit(time: str, who: dict[str, str]) -> Event:
    return check_in(at(time), f"{who['openid']}-{at(time)}", who)


def bound_by(openid: str, time: str, app: str) -> Event:
    return login(at(time), openid, "u1", app=app)


OTHER_BOUND = bound_by("b1", "2026-01-08 10:00", "wxoa")
OLD_VISITS = (visit("2026-01-06 08:00", MP), visit("2026-01-06 09:00", OA), OTHER_BOUND)


def test_what_waited_for_two_months_counts_whether_login_or_consent_comes_first() -> None:
    visits = [visit(f"2026-01-{day:02} 18:00", MP) for day in range(3, 9)]
    bind = bound_by("a1", "2026-03-12 10:00", "wxmp")
    agreed = consent(at("2026-03-12 10:00"), "granted", MEI)
    for order in ((bind, agreed), (agreed, bind)):
        world = lived(load_rules(), [*visits, *order])
        assert world.balances() == {WHO: 805}
        assert +world.counts == {"applied": 8}


def two_orders(*happened: Event) -> Iterable[list[Event]]:
    """The last two, a view and a login, in either order."""
    *before, view, bind = happened
    yield [*before, view, bind]
    yield [*before, bind, view]


VIEW, BIND = page_view(at("2026-03-12 10:00"), "a1"), bound_by("a1", "2026-03-12 10:00", "wxmp")


def test_what_another_openid_did_after_the_enrolment_is_not_paid_two_months_later() -> None:
    joined = enrolled(at("2026-01-03 10:00"), "m1", MEI)
    early = bound_by("b1", "2026-01-02 10:00", "wxoa")
    after = visit("2026-01-06 08:00", MP)
    for order in two_orders(early, joined, after, VIEW, BIND):
        world = lived(small(), order)
        assert (world.payouts(), world.balances()) == ({}, {})
        assert world.counts["member"] == 3


@pytest.mark.parametrize(
    "book",
    [
        small(caps=Caps(day=20)),
        small(caps=Caps(month=20)),
        small(caps=Caps(lifetime=20)),
        small(first_time=True),
    ],
    ids=["day", "month", "lifetime", "first time"],
)
def test_caps_and_first_times_hold_for_two_openids_bound_two_months_later(book: RuleBook) -> None:
    for order in two_orders(*OLD_VISITS, VIEW, BIND):
        assert lived(book, order).balances() == {WHO: 20}


def test_a_lifetime_cap_holds_where_the_openids_closed_different_months() -> None:
    seen = page_view(at("2026-04-12 10:00"), "a1")
    bind = bound_by("a1", "2026-04-12 10:00", "wxmp")
    visits = (visit("2026-01-06 08:00", MP), visit("2026-02-07 09:00", OA), OTHER_BOUND)
    for order in two_orders(*visits, seen, bind):
        assert lived(small(caps=Caps(lifetime=20)), order).balances() == {WHO: 20}


def test_a_withdrawal_reaches_what_another_openid_did_two_months_ago() -> None:
    early = bound_by("b1", "2026-01-02 10:00", "wxoa")
    no = consent(at("2026-01-03 10:00"), "withdrawn", MEI)
    for order in two_orders(early, no, visit("2026-01-06 08:00", MP), VIEW, BIND):
        world = lived(small(), order)
        assert world.balances() == {}
        assert world.counts["refused"] == 3


def test_twenty_five_breakfasts_wait_for_consent_whatever_an_unfollow_did() -> None:
    assert breakfasts() == 4_830
    assert breakfasts(paused="2026-01-29 12:00") == breakfasts(paused="2026-01-12 12:00") == 4_830


def breakfasts(paused: str = "") -> int:
    eaten = [payment(at(f"2026-01-{day:02} 08:00"), f"t{day}", "a1", 1850) for day in range(1, 26)]
    eaten.append(login(at("2026-01-01 07:00"), "a1"))
    said = [consent(at(paused), "paused", MP)] if paused else []
    agreed = consent(at("2026-01-30 12:00"), "granted", MP)
    return sum(lived(load_rules(), [*eaten, *said, agreed]).balances().values())


@pytest.mark.parametrize(
    ("refunded", "balance", "late"), [("2027-02-01 10:00", 10, 0), ("2027-02-02 10:00", 110, 1)]
)
def test_a_refund_counts_for_a_year_then_is_late(refunded: str, balance: int, late: int) -> None:
    first = payment(at("2026-01-31 23:00"), "t1", "a1", 10_000)
    second = payment(at("2027-01-20 10:00"), "t2", "a1", 1000)
    world = lived(rules(), [first, second, refund(at(refunded), "t1", "r1", 10_000)])
    assert world.balances() == {"origin.wxmp.a1": balance}
    assert world.counts["late"] == late


# many people --------------------------------------------------------------------------------------

PEOPLE, MONTHS = 40, 4
FIRST_DAY = at("2026-01-01 00:00")
BOUND_AT = FIRST_DAY + 125 * DAY


def four_months(person: int, random: Random) -> list[Event]:
    """What one person does by two openids, and the login which says that they are one."""
    here, there = ({"appid": app, "openid": f"p{person}"} for app in ("wxmp", "wxoa"))
    found: list[Event] = []
    for number in range(random.randint(15, 30)):
        time = FIRST_DAY + random.randrange(MONTHS * 30) * DAY + 10 * HOUR + number
        ticket = f"k{person}-{number}"
        found.append(
            random.choice(
                [
                    check_in(time, ticket, here),
                    check_in(time, ticket, there),
                    payment(time, f"t{person}-{number}", f"p{person}", random.randint(100, 9000)),
                    login(time, f"p{person}"),
                ]
            )
        )
    found.append(login(FIRST_DAY, f"p{person}", f"u{person}", app="wxoa"))
    found.append(login(BOUND_AT, f"p{person}", f"u{person}"))
    return found


def agreed_at(time: int, person: int) -> Event:
    who = {"unionid": f"u{person}", "open_account": "brand"}
    return consent(time, "granted", who)


def joined_at(time: int, person: int) -> Event:
    return enrolled(time, f"m{person}", {"appid": "wxoa", "openid": f"p{person}"})


@pytest.mark.parametrize(
    "further",
    [
        [lambda person: agreed_at(FIRST_DAY + HOUR, person)],
        [lambda person: agreed_at(BOUND_AT + 2 * HOUR // 60, person)],
        [
            lambda person: agreed_at(FIRST_DAY + HOUR, person),
            lambda person: joined_at(FIRST_DAY + 5 * DAY, person),
        ],
    ],
    ids=["agreed at first", "agreed after the bind", "enrolled on the fifth day"],
)
def test_forty_people_with_two_openids_get_what_is_theirs_after_four_months(
    further: list[Callable[[int], Event]],
) -> None:
    random = Random(7)
    happened = [
        event
        for person in range(PEOPLE)
        for event in (*four_months(person, random), *(say(person) for say in further))
    ]
    world = lived(load_rules(), happened)
    expected = Model(load_rules(), ACCOUNTS).judge(happened, world.clock)
    assert world.balances() == expected.balances
    assert world.payouts() == expected.payouts
    assert +world.counts == expected.outcomes
    assert len(expected.balances) + len(expected.payouts) == PEOPLE
