# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from stream.engine.model.decision import Channel, Publish
from stream.engine.model.state import Account, Enrolment, Posted
from stream.engine.points.balance import AccountView
from stream.engine.points.ledger import Ledger, add_posted, difference, posted_of
from tests.engine.build import LI, MEI, cause, posted
from tests.support.books import START

AS_OF = "2026-02-28T16:00:00.000Z"


def granted(**points: int) -> Counter[str]:
    return Counter({f"{rule}@1": number for rule, number in points.items()})


def post(account: Account, view: AccountView) -> list[Publish]:
    ledger = Ledger(account, cause())
    ledger.post(view)
    return ledger.outputs


def movements(outputs: list[Publish]) -> list[tuple[str, int, int]]:
    entries = [o.data for o in outputs if o.channel is Channel.LEDGER]
    return [(entry["kind"], entry["points"], entry["balance"]) for entry in entries]


def test_an_entry_as_it_is_published() -> None:
    (entry,) = post(Account(), AccountView(granted=granted(spend=12)))
    assert entry == Publish(
        Channel.LEDGER,
        "entry.posted.v1",
        "372e2a1ff579a3104f1c47e26052e280",
        MEI,
        START,
        {
            "entry_id": "372e2a1ff579a3104f1c47e26052e280",
            "consumer_id": MEI,
            "kind": "accrual",
            "points": 12,
            "balance": 12,
            "cause": "c1",
            "as_of": AS_OF,
            "rule": "spend",
            "ruleset_version": 1,
        },
    )


def test_entries_are_the_difference_to_what_was_posted_in_a_fixed_order() -> None:
    account = Account(posted=Posted({"spend@1": 30, "visit@1": 20}))
    view = AccountView(granted=granted(spend=20, visit=20, welcome=5), expired=granted(visit=20))
    outputs = post(account, view)
    assert movements(outputs) == [("clawback", -10, 40), ("accrual", 5, 45), ("expiry", -20, 25)]
    assert account.posted.balance == 25
    assert post(account, view) == []
    assert account.entries == 3


def test_what_expired_and_is_then_refunded_comes_back_as_two_entries() -> None:
    account = Account(posted=Posted({"spend@1": 30}, {"spend@1": 30}))
    outputs = post(account, AccountView())
    assert movements(outputs) == [("clawback", -30, -30), ("expiry", 30, 0)]


def test_a_payout_and_its_message() -> None:
    account = Account(posted=Posted({"spend@1": 30}))
    view = AccountView(Enrolment(START, "M1"), granted(spend=30))
    entry, payout = post(account, view)
    assert movements([entry]) == [("payout", -30, 0)]
    assert (payout.channel, payout.type) == (Channel.OFFERS, "payout.issued.v1")
    assert payout.data == {
        "consumer_id": MEI,
        "member_id": "M1",
        "points": 30,
        "enrolled_at": AS_OF,
        "as_of": AS_OF,
        "supplementary": False,
    }


def test_a_correction_and_its_message() -> None:
    account = Account(posted=Posted({"spend@1": 30}, paid={"M1": 30}))
    outputs = post(account, AccountView(Enrolment(START, "M1"), granted(spend=20)))
    assert movements(outputs) == [("clawback", -10, -10), ("payout_correction", 10, 0)]
    assert outputs[-1].type == "payout.corrected.v1"
    assert outputs[-1].data == {
        "consumer_id": MEI,
        "member_id": "M1",
        "points": -10,
        "enrolled_at": AS_OF,
        "as_of": AS_OF,
    }


@pytest.mark.parametrize(("first", "supplementary"), [(None, False), (0, True), (10, True)])
def test_what_follows_the_first_payout_is_supplementary_even_if_that_was_nothing(
    first: int | None, supplementary: bool
) -> None:
    account = Account()
    if first is not None:
        post(account, AccountView(Enrolment(START, "M1"), granted(spend=first)))
    outputs = post(account, AccountView(Enrolment(START, "M1"), granted(spend=30)))
    assert outputs[-1].data["supplementary"] is supplementary


def test_no_two_entries_share_an_id() -> None:
    account = Account()
    views = [AccountView(granted=granted(spend=n)) for n in (10, 0, 10, 0)]
    ids = [output.id for view in views for output in post(account, view)]
    assert len(set(ids)) == len(ids) == 4


def test_an_account_that_begins_again_answers_an_enrolment_under_another_id() -> None:
    """As an origin does that was bound, unbound, and gets a copy before its facts are back."""
    enrolled = AccountView(Enrolment(START, "M1"))
    account = Account()
    (first,) = post(account, enrolled)
    (second,) = post(Account(entries=account.entries), enrolled)
    assert (first.type, first.data) == (second.type, second.data)
    assert first.id != second.id


def test_a_transfer_names_the_other_side_and_moves_what_was_posted() -> None:
    giver, successor = Account(posted=Posted({"spend@1": 30}, {"spend@1": 5})), Account()
    out, into = Ledger(giver, cause(key=LI)), Ledger(successor, cause())
    out.transfer_out(giver.posted, MEI)
    into.transfer_in(giver.posted, LI)
    assert movements(out.outputs) == [("transfer_out", -25, 0)]
    assert movements(into.outputs) == [("transfer_in", 25, 25)]
    assert out.outputs[0].data["counterpart"] == MEI
    assert into.outputs[0].data["counterpart"] == LI
    assert successor.posted == Posted({"spend@1": 30}, {"spend@1": 5})


def test_moving_nothing_writes_nothing() -> None:
    ledger = Ledger(Account(), cause())
    ledger.transfer_out(Posted(), LI)
    ledger.transfer_in(Posted({"spend@1": 5}, {"spend@1": 5}), LI)
    assert ledger.outputs == []


@given(posted, posted)
def test_what_leaves_and_what_stays_are_the_whole(whole: Posted, rest: Posted) -> None:
    rest.paid = whole.paid
    moved = difference(whole, rest)
    assert moved.balance == whole.balance - rest.balance
    assert moved.paid == {}
    add_posted(rest, moved)
    for name in ("granted", "expired", "outcomes"):
        again, before = Counter(getattr(rest, name)), Counter(getattr(whole, name))
        assert +again == +before


def test_a_view_as_it_would_be_posted_is_a_copy() -> None:
    view = AccountView(granted=granted(spend=5), outcomes=Counter({"applied": 1}))
    copy = posted_of(view)
    copy.granted["spend@1"] = 0
    assert view.granted == {"spend@1": 5}
    assert copy.outcomes == {"applied": 1}
