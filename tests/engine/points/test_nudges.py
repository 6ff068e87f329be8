# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.decision import Publish
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.schedule import Span
from stream.engine.model.state import Account
from stream.engine.model.touchpoints import Touchpoint as T
from stream.engine.points.balance import AccountView
from stream.engine.points.nudges import announce, nudge_id, retract
from tests.engine.build import MEI, cause
from tests.support.books import FIRST, HOUR, START

CART = Nudge(
    "cart", frozenset({T.ADD_TO_CART}), frozenset({T.PURCHASE}), 2 * HOUR, expires_ms=DAY_MS
)
SEEN = Nudge("seen", frozenset({T.PAGE_VIEW}), wait_ms=2 * HOUR, expires_ms=DAY_MS)


def book(*nudges: Nudge, **limits: Any) -> RuleBook:
    policy = NudgePolicy(nudges or (CART,), **limits)
    return RuleBook((replace(FIRST, nudges=policy),))


def view(carted: int | None = START, seen: int | None = None) -> AccountView:
    touches = {T.ADD_TO_CART: carted, T.PAGE_VIEW: seen}
    return AccountView(recent={t: [at] for t, at in touches.items() if at is not None})


def said(outputs: list[Publish]) -> list[str]:
    return [f"{o.type.split('.')[1]} {o.data['nudge']}" for o in outputs]


def test_what_is_due_is_told_once_with_an_id_of_its_own() -> None:
    account, rules = Account(), book()
    early = view()
    assert announce(account, early, rules, cause(START + HOUR)) == []
    assert early.next_change == START + 2 * HOUR
    (output,) = announce(account, view(), rules, cause(START + 3 * HOUR))
    assert output.data == {
        "consumer_id": MEI,
        "revision": 1,
        "since": "2026-02-28T18:00:00.000Z",
        "as_of": "2026-02-28T19:00:00.000Z",
        "nudge_id": nudge_id(MEI, "cart", START),
        "nudge": "cart",
        "anchor_at": "2026-02-28T16:00:00.000Z",
        "due_at": "2026-02-28T18:00:00.000Z",
        "expires_at": "2026-03-01T18:00:00.000Z",
        "channels": [],
        "ruleset_version": 1,
    }
    assert announce(account, view(), rules, cause(START + 4 * HOUR)) == []


def test_it_is_taken_back_when_it_does_not_hold_and_told_again_with_the_same_id() -> None:
    account, rules = Account(), book()
    (told,) = announce(account, view(), rules, cause(START + 2 * HOUR))
    (back,) = announce(account, view(None), rules, cause(START + 3 * HOUR))
    assert (back.type, back.data["reason"]) == ("nudge.withdrawn.v1", "facts")
    (again,) = announce(account, view(), rules, cause(START + 4 * HOUR))
    assert told.data["nudge_id"] == back.data["nudge_id"] == again.data["nudge_id"]
    assert len({told.id, back.id, again.id}) == 3


def test_what_is_over_is_not_taken_back() -> None:
    account, rules = Account(), book()
    announce(account, view(), rules, cause(START + 2 * HOUR))
    assert announce(account, view(None), rules, cause(START + 26 * HOUR)) == []
    assert retract(account, cause(START + 27 * HOUR), "erased") == []


def test_a_nudge_that_the_rules_no_longer_have_is_taken_back() -> None:
    account = Account()
    announce(account, view(), book(), cause(START + 2 * HOUR))
    for rules in (book(SEEN), RuleBook((FIRST,))):
        known = msgspec.msgpack.decode(msgspec.msgpack.encode(account), type=Account)
        (back,) = announce(known, view(), rules, cause(START + 3 * HOUR))
        assert back.data["reason"] == "rules"


def test_quiet_hours_hold_what_becomes_known_in_them() -> None:
    account, now = Account(), view()
    rules = book(quiet=Span(180, 300))  # 03:00 to 05:00
    assert announce(account, now, rules, cause(START + 4 * HOUR)) == []
    assert now.next_change == START + 5 * HOUR
    assert said(announce(account, view(), rules, cause(START + 5 * HOUR))) == ["due cart"]


def test_of_two_the_first_in_the_file_is_told_and_the_other_on_the_next_day() -> None:
    account, now = Account(), view(seen=START)
    rules = book(SEEN, CART, most=1)
    assert said(announce(account, now, rules, cause(START + 2 * HOUR))) == ["due seen"]
    assert now.next_change == START + DAY_MS
    assert said(announce(account, now, rules, cause(START + DAY_MS))) == ["due cart"]


def test_a_limit_lets_a_nudge_expire() -> None:
    account, now = Account(), view(seen=START)
    rules = book(SEEN, CART, most=1, per_days=2)
    announce(account, now, rules, cause(START + 2 * HOUR))
    assert now.next_change is None, "it is over before it may be told"
    assert announce(account, now, rules, cause(START + 26 * HOUR)) == []


def test_once_in_so_many_days() -> None:
    account, rules = Account(), book(replace(CART, once_per_ms=3 * DAY_MS))
    assert said(announce(account, view(), rules, cause(START + 2 * HOUR))) == ["due cart"]
    later = view(START + DAY_MS)
    assert said(announce(account, later, rules, cause(START + 27 * HOUR))) == []
    again = view(START + 3 * DAY_MS)
    at = START + 3 * DAY_MS + 2 * HOUR
    assert said(announce(account, again, rules, cause(at))) == ["due cart"]
