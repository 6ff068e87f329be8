# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.facts import Fact
from stream.engine.model.limits import SUBSCRIPTIONS_IN_OFFER_MAX
from stream.engine.model.messages import FactReceived
from stream.engine.model.state import Account, ArchivedTotals, OriginFacts
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint as T
from stream.engine.points.account_messages import arrive
from stream.engine.points.reachability import channels_of, marks_of
from tests.engine.build import ORIGIN, cause
from tests.support.books import BOOK, DAY, HOUR, START

#: What happened, and how long before as_of (ms).
Happened = tuple[str, int]
MINUTE = 60_000
AS_OF = START + 5 * DAY
_WORDS = {"yes": "accept", "no": "reject", "sent": "delivered", "blocked": "blocked"}


def fact(number: int, what: str, ago: int) -> Fact:
    """``yes t`` is an answer about the template t, ``sent t`` a notice of it."""
    word, _, template = what.partition(" ")
    if template:
        name = "answer" if word in ("yes", "no") else "status"
        touchpoint = T.SUBSCRIPTION if name == "answer" else T.NOTICE
        fields: dict[str, Any] = {"template_id": template, name: _WORDS.get(word, word)}
    else:
        touchpoint, fields = T[what.upper()], {}
    id_ = f"e{number}"
    return Fact(id_, "any.v1", id_, AS_OF - ago, touchpoint, fields)


def account_of(*happened: Happened) -> Account:
    account = Account({ORIGIN: OriginFacts()})
    for number, (what, ago) in enumerate(happened):
        arrive(account, FactReceived(fact(number, what, ago), ORIGIN), BOOK, cause(AS_OF))
    return account


def channels(*happened: Happened) -> list[str]:
    found = channels_of(account_of(*happened), [ORIGIN], AS_OF)
    assert all((c["appid"], c["openid"]) == ("wxmp", "oMei") for c in found)
    detail = (
        c.get("until") or c.get("last_visit") or f"{c.get('template_id', '')} {c.get('left', '')}"
        for c in found
    )
    return [f"{c['channel']} {more}".strip() for c, more in zip(found, detail, strict=True)]


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([], []),
        ([("purchase", HOUR)], []),  # a payer who neither follows nor came to the mini-program
        ([("follow", DAY)], ["follower"]),
        ([("follow", 0)], ["follower", "service_window 2026-03-05T16:01:00.000Z"]),
        ([("follow", MINUTE)], ["follower"]),  # the window closes at its very end
        ([("scan", DAY)], ["follower"]),
        ([("menu_click", MINUTE - 1)], ["follower", "service_window 2026-03-05T16:00:00.001Z"]),
        ([("follow", DAY), ("unfollow", HOUR)], []),
        ([("follow", HOUR), ("unfollow", HOUR)], []),
        ([("unfollow", DAY), ("follow", HOUR)], ["follower"]),
        ([("message", 47 * HOUR)], ["service_window 2026-03-05T17:00:00.000Z"]),
        ([("message", 48 * HOUR)], []),
        ([("message", 2 * HOUR), ("unfollow", HOUR)], []),
        (
            [("follow", DAY), ("purchase", HOUR)],
            ["follower", "service_window 2026-03-07T15:00:00.000Z"],
        ),
        (
            [("conversation", 0)],
            [
                "service_window 2026-03-05T16:01:00.000Z",
                "mini_program 2026-03-05T16:00:00.000Z",
            ],
        ),
        ([("login", DAY), ("page_view", HOUR)], ["mini_program 2026-03-05T15:00:00.000Z"]),
        ([("yes t", 3), ("yes t", 2)], ["subscription t 2"]),
        ([("yes t", 3), ("sent t", 2)], []),
        ([("yes t", 3), ("failed t", 2)], ["subscription t 1"]),
        ([("yes t", 3), ("yes t", 2), ("no t", 1)], []),
        ([("yes t", 3), ("blocked t", 1)], []),
        ([("no t", 3), ("yes t", 1)], ["subscription t 1"]),
        ([("sent t", 3), ("yes t", 2)], ["subscription t 1"]),  # it was not ours
        ([("yes a", 2), ("yes b", 3)], ["subscription a 1", "subscription b 1"]),
        ([("notice", 1), ("subscription", 1)], []),
    ],
)
def test_what_can_still_carry_an_offer(happened: list[Happened], expected: list[str]) -> None:
    assert channels(*happened) == expected


what = st.sampled_from(
    ["follow", "unfollow", "scan", "message", "purchase", "login", "conversation"]
    + [f"{word} {template}" for word in ("yes", "no", "sent", "blocked") for template in "ab"]
)


@given(st.lists(st.tuples(what, st.sampled_from([0, 1, HOUR, DAY])), max_size=12), st.randoms())
def test_the_order_in_which_it_is_heard_changes_nothing(
    happened: list[Happened], random: Any
) -> None:
    assert channels(*random.sample(happened, len(happened))) == channels(*happened)


def test_who_followed_long_ago_still_does() -> None:
    def archived(**counts: int) -> list[dict[str, Any]]:
        totals = ArchivedTotals(touches={T[name.upper()]: n for name, n in counts.items()})
        facts = OriginFacts(archived=totals)
        return channels_of(Account({ORIGIN: facts}), [ORIGIN], AS_OF)

    assert [c["channel"] for c in archived(follow=2, unfollow=1)] == ["follower"]
    assert archived(follow=1, unfollow=1) == archived(login=3) == []


def test_an_offer_lists_so_many_subscriptions_and_every_other_channel() -> None:
    more = SUBSCRIPTIONS_IN_OFFER_MAX + 3
    account = account_of(("login", 0), *((f"yes t{n}", n) for n in range(more)))
    found = [c["channel"] for c in channels_of(account, [ORIGIN], AS_OF)]
    assert found.count("subscription") == SUBSCRIPTIONS_IN_OFFER_MAX
    assert found.count("mini_program") == 1


@pytest.mark.parametrize("template", ["", "a#b", "a*b", "x" * 65])
def test_what_is_no_template_of_wechats_leaves_no_mark(template: str) -> None:
    said: dict[str, Any] = {"template_id": template, "answer": "accept"}
    assert marks_of(Fact("e", "any.v1", "e", AS_OF, T.SUBSCRIPTION, said)) == []


def test_a_mark_stays_with_its_touch_in_a_page_and_apart() -> None:
    touches = Touches()
    for number in range(3):
        points = marks_of(fact(0, f"yes t{number % 2}", 0))
        touches.add(b"%06d" % number, Touch(START + number, T.SUBSCRIPTION, points, seen=1))
    touches.seal()
    touches.add(b"odd", Touch(START + 9, T.NOTICE, marks_of(fact(0, "sent t0", 0)), seen=3, rank=1))
    assert sorted(touches.marks()) == [
        ("~sent:t0", START + 9), ("~yes:t0", START), ("~yes:t0", START + 2), ("~yes:t1", START + 1)
    ]  # fmt: skip
    assert touches.last_of_each() == {T.SUBSCRIPTION: START + 2, T.NOTICE: START + 9}
