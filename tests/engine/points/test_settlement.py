# SPDX-License-Identifier: Apache-2.0
"""A full count and one touch more conclude alike: the ledger, what is announced, and when next."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from stream.engine.model.decision import Decision, Publish, Send
from stream.engine.model.facts import Fact
from stream.engine.model.messages import Erase, ErasureMark, FactReceived
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.engine.points.account_messages import arrive
from stream.engine.points.balance import AccountView
from stream.engine.points.ledger import Ledger
from stream.engine.points.settlement import NEVER_MS, idle_erasure, retract, settle
from tests.engine.build import ORIGIN, cause, enrolment, login, purchase
from tests.support.books import BOOK, DAY, START


def account_of(*facts: Fact, book: RuleBook = BOOK, as_of: int = START) -> Account:
    account = Account()
    for fact in facts:
        arrive(account, FactReceived(fact, ORIGIN), book, cause(as_of))
    return account


def types(decision: Decision) -> list[str]:
    return [o.type for o in decision.outputs if isinstance(o, Publish)]


@pytest.mark.parametrize(
    "fact",
    [
        login(START + DAY, "l2"),
        purchase("t2", 9_000, START + DAY, "e2"),
        purchase("t2", 100, START + DAY, "e2"),
    ],
    ids=["visit", "offer", "too little"],
)
@pytest.mark.parametrize("idle_days", [0, 90])
def test_one_touch_more_concludes_as_a_full_count_does(fact: Fact, idle_days: int) -> None:
    book = replace(BOOK, idle_days=idle_days)
    one_more = account_of(purchase(fen=1000), login(), book=book)
    counted = copy.deepcopy(one_more)
    counted.sums = None
    message, why = FactReceived(fact, ORIGIN), cause(START + DAY)
    first, second = (arrive(a, message, book, why) for a in (one_more, counted))
    assert (first.outputs, first.counts, first.due) == (second.outputs, second.counts, second.due)
    assert one_more == counted


def test_what_was_announced_is_announced_once() -> None:
    account = account_of(purchase(fen=9_000), login())
    assert account.last_offer is not None
    later = settle(account, BOOK, Ledger(account, cause()), 0)
    assert (types(later), later.counts) == ([], {})


def test_what_is_live_is_retracted_once() -> None:
    account = account_of(purchase(fen=9_000), login())
    assert [o.type for o in retract(account, cause(), "superseded")] == ["offer.withdrawn.v1"]
    assert retract(account, cause(), "superseded") == []
    assert retract(Account(), cause(), "superseded") == []


def test_a_record_that_raises_no_outcome_is_a_duplicate() -> None:
    account = account_of(login())
    again = settle(account, BOOK, Ledger(account, cause()), 1)
    assert again.counts == {Outcome.DUPLICATE: 1}


def test_an_idle_consumer_who_never_joined_is_erased() -> None:
    book = replace(BOOK, idle_days=30)
    account = account_of(login(), book=book)
    ends = START + 30 * DAY
    waits = settle(account, book, Ledger(account, cause(ends - 1)), 0)
    assert waits.due is not None
    assert waits.due <= ends
    over = settle(account, book, Ledger(account, cause(ends)), 0)
    sent = [o.message for o in over.outputs if isinstance(o, Send)]
    assert sent == [ErasureMark(START), Erase(START)]
    member = account_of(login(), enrolment(), book=book)
    assert settle(member, book, Ledger(member, cause(ends)), 0).outputs == ()


def test_without_an_end_an_account_still_has_an_appointment() -> None:
    view = AccountView(seen=START)
    assert idle_erasure(view, BOOK, cause()) == []
    assert view.next_change == NEVER_MS
