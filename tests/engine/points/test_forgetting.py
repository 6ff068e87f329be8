# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.audit.verify import violations
from stream.engine.decide import decide
from stream.engine.model.decision import Decision, Publish, Send
from stream.engine.model.erased import forget_message_of_origin, forget_messages
from stream.engine.model.facts import Fact
from stream.engine.model.messages import (
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Tick,
    TransferIn,
    TransferOut,
)
from stream.engine.model.state import (
    Account,
    ArchivedTotals,
    Erased,
    Evidence,
    Origin,
    OriginFacts,
    Posted,
    TransferState,
)
from stream.engine.model.touches import Touch, Touches
from stream.engine.points.forgetting import is_over
from tests.engine.build import LI, MEI, ORIGIN, enrolment, login, purchase
from tests.support.books import BOOK, DAY, START

LOGIN = "session.logged_in.v1"
T = START + DAY


def account_with(*facts: FactReceived, erased: Erased | None = None) -> Account:
    account = Account(erased=erased)
    for fact in facts:
        decision = decide(MEI, account, fact, BOOK, T)
        assert isinstance(decision.state, Account)
        account = decision.state
    return account


def points(decision: Decision) -> list[tuple[str, int]]:
    published = [o.data for o in decision.outputs if isinstance(o, Publish)]
    return [(entry["kind"], entry["points"]) for entry in published if "kind" in entry]


def test_one_entry_closes_what_is_erased_and_what_is_later_stays() -> None:
    account = account_with(
        FactReceived(purchase("t1", 1000, START, "e1")),
        FactReceived(purchase("t2", 500, T + 1, "e2"), counted=False),
    )
    before = account.posted.balance
    decision = decide(MEI, account, Erase(T, asked=False), BOOK, T + 2)
    assert points(decision) == [("expiry", account.posted.balance - before)]
    assert isinstance(decision.state, Account)
    assert [touch.time for touch in decision.state.facts_by_origin[""].touches.values()] == [T + 1]
    assert not list(violations(MEI, decision.state, {}, BOOK, T + 2))


def test_points_paid_out_are_not_asked_back() -> None:
    account = account_with(FactReceived(purchase()), FactReceived(enrolment(time=START + 1)))
    assert account.posted.paid
    decision = decide(MEI, account, Erase(T), BOOK, T)
    assert decision.state is None
    assert [o for o in decision.outputs if isinstance(o, Publish)] == []


def test_a_second_erasure_of_the_same_is_none() -> None:
    account = account_with(FactReceived(purchase(time=T + 1)), erased=Erased(T, True))
    assert not decide(MEI, account, Erase(T, True), BOOK, T + 2).changed


@pytest.mark.parametrize(("latest", "kept"), [(T, False), (T + 1, True)])
def test_closed_totals_go_when_the_latest_of_them_is_erased(latest: int, kept: bool) -> None:
    totals = ArchivedTotals(touches={1: 2}, outcomes={"applied": 2}, latest=latest)
    account = Account({"": OriginFacts(archived=totals)}, Posted(outcomes={"applied": 2}))
    decision = decide(MEI, account, Erase(T), BOOK, T + 2)
    assert (decision.state is not None) == kept


def test_an_erased_profile_asks_the_origin_about_what_may_be_from_before() -> None:
    message = FactReceived(purchase(time=T + 1), ORIGIN, generation=1)
    stray = decide(MEI, None, message, BOOK, T + 2, Erased(T))
    assert (stray.outputs, stray.changed) == ((Send(ORIGIN, message),), False)
    current = replace_generation(message, T + 1)
    assert decide(MEI, None, current, BOOK, T + 2, Erased(T)).changed


def replace_generation(message: FactReceived, generation: int) -> FactReceived:
    return FactReceived(message.fact, message.origin, generation=generation)


def test_an_erased_origin_begins_anew_with_higher_generations() -> None:
    claim = FactReceived(login(T + 1), ORIGIN, MEI)
    decision = decide(ORIGIN, None, claim, BOOK, T + 2, Erased(T))
    assert isinstance(decision.state, Origin)
    assert (decision.state.bound, decision.state.generation) == (MEI, T + 1)


def test_a_bound_origin_takes_its_profile_along_and_its_facts_back() -> None:
    origin = Origin({MEI: Evidence(START, "l1", LOGIN)}, MEI, 1)
    decision = decide(ORIGIN, origin, Erase(T, True), BOOK, T)
    assert decision.outputs == (
        Send(MEI, ErasureMark(T, True)),
        Send(MEI, Erase(T, True)),
        Send(MEI, TransferOut(ORIGIN, T, ORIGIN, forget=True)),
    )
    assert decision.state is None


def test_a_bind_of_later_stays() -> None:
    origin = Origin({MEI: Evidence(T + 1, "l1", LOGIN)}, MEI, 1)
    decision = decide(ORIGIN, origin, Erase(T), BOOK, T + 2)
    assert decision.outputs == ()
    assert isinstance(decision.state, Origin)
    assert (decision.state.bound, decision.state.generation) == (MEI, 1)


def test_an_erased_profile_gives_back_what_came_after_and_remembers_nobody() -> None:
    account = account_with(
        FactReceived(purchase(time=T + 1), ORIGIN, generation=1, forwarded=True), erased=Erased(T)
    )
    message = TransferOut(ORIGIN, T, ORIGIN, forget=True)
    decision = decide(MEI, account, message, BOOK, T + 2)
    (back,) = (o for o in decision.outputs if isinstance(o, Send))
    assert isinstance(back.message, TransferIn)
    assert (back.to, len(back.message.facts.touches), decision.state) == (ORIGIN, 1, None)
    assert not decide(MEI, None, message, BOOK, T + 2, Erased(T)).changed


def test_facts_from_before_are_not_taken_in_and_their_origin_learns_it() -> None:
    origin_facts = OriginFacts(Touches.of({b"123456": Touch(START, 1, [("spend", 10)], 0, 1)}))
    moved = Posted({"spend@1": 10}, outcomes={"applied": 1})
    message = TransferIn(ORIGIN, 1, origin_facts, moved, ORIGIN)
    decision = decide(MEI, None, message, BOOK, T + 2, Erased(T, True))
    assert points(decision) == [("transfer_in", 10), ("expiry", -10)]
    assert [o for o in decision.outputs if isinstance(o, Send)] == [
        forget_message_of_origin(ORIGIN, Erased(T, True), MEI)
    ]
    assert not decide(MEI, decision.state, message, BOOK, T + 2).changed  # as long as it is known
    parting = TransferOut(ORIGIN, T, ORIGIN, forget=True)
    assert decide(MEI, decision.state, parting, BOOK, T + 3).state is None


def test_others_disown_the_erased() -> None:
    origin = Origin(
        {MEI: Evidence(START, "l1", LOGIN), LI: Evidence(T + 1, "l2", LOGIN)}, MEI, 1, vetoed=[LI]
    )
    decision = decide(ORIGIN, origin, Disown(LI, T + 1), BOOK, T + 2)
    assert isinstance(decision.state, Origin)
    assert (set(decision.state.evidence), decision.state.vetoed) == ({MEI}, [])
    transfers = {ORIGIN: TransferState(2, LI, [1]), "origin.wxmp.x": TransferState(1, MEI)}
    account = Account(transfers=transfers)
    assert decide(MEI, account, Disown(ORIGIN, T), BOOK, T).changed
    assert set(account.transfers) == {"origin.wxmp.x"}
    assert not decide(MEI, account, Disown(LI, T), BOOK, T).changed


def test_who_never_joined_and_is_not_seen_for_long_is_sent_away() -> None:
    book = replace(BOOK, idle_days=100)
    account = Account()
    arrived = decide(MEI, account, FactReceived(purchase(time=START)), book, START)
    assert arrived.due is not None
    ends = START + 100 * DAY
    gone = decide(MEI, arrived.state, Tick(1), book, ends)
    assert [o for o in gone.outputs if isinstance(o, Send)] == forget_messages(MEI, Erased(START))
    assert not is_over(account, MEI)


def test_a_mark_of_the_idle_ends_and_that_of_who_asked_does_not() -> None:
    asked = decide("erased.0.a", None, ErasureMark(T, True), BOOK, T + 5)
    assert (asked.state, asked.ttl_s) == (Erased(T, True, T + 5), None)
    idle = decide("erased.0.a", None, ErasureMark(T), BOOK, T + 5)
    assert idle.ttl_s is not None
    assert not decide("erased.0.a", Erased(T, True, 3), ErasureMark(T), BOOK, T + 5).changed


def test_a_request_that_is_the_first_to_name_an_origin_reaches_it() -> None:
    request = Fact("erase:r1", "erase.requested.v1", "r1", T)
    sent_on = FactReceived(request, ORIGIN, generation=1, forwarded=True)
    decision = decide(MEI, None, sent_on, BOOK, T)
    erased = Erased(T, True)
    of_origin = forget_message_of_origin(ORIGIN, erased, MEI)
    assert decision.outputs == (*forget_messages(MEI, erased), of_origin)


def test_an_origin_forgets_at_the_word_of_its_own_profile_only() -> None:
    said = forget_message_of_origin(ORIGIN, Erased(T, True), MEI).message
    bound = Origin({MEI: Evidence(START, "l1", LOGIN)}, MEI, 1)
    forgotten = tuple(forget_messages(ORIGIN, Erased(T, True)))
    assert decide(ORIGIN, bound, said, BOOK, T).outputs == forgotten
    moved = Origin({LI: Evidence(START, "l1", LOGIN)}, LI, 3)
    decision = decide(ORIGIN, moved, said, BOOK, T)
    assert decision.outputs == (Send(MEI, TransferOut(ORIGIN, T, ORIGIN, forget=True)),)
    assert not decision.changed


def test_a_fact_by_a_binding_from_before_is_the_origins_to_judge() -> None:
    stray = FactReceived(purchase(time=T), ORIGIN, generation=1)
    decision = decide(MEI, None, stray, BOOK, T + 2, Erased(T))
    assert decision.outputs == (Send(ORIGIN, stray),)
    later = FactReceived(login(T + 1), ORIGIN, generation=T + 1, forwarded=True)
    account = account_with(later, erased=Erased(T))
    again = FactReceived(purchase(time=T + 1), ORIGIN, generation=1)
    assert decide(MEI, account, again, BOOK, T + 2).outputs == (Send(ORIGIN, again),)


def test_an_end_sent_again_does_not_end_what_began_since() -> None:
    later = FactReceived(login(T + 1), ORIGIN, generation=T + 1, forwarded=True)
    account = account_with(later, erased=Erased(T))
    end = TransferOut(ORIGIN, T, ORIGIN, forget=True)
    assert not decide(MEI, account, end, BOOK, T + 2).changed


def test_an_account_whose_offer_ends_with_its_last_origin_is_not_kept() -> None:
    bought = FactReceived(purchase(fen=5000, time=T), ORIGIN, generation=1, forwarded=True)
    account = account_with(bought, erased=Erased(START))
    assert account.last_offer is not None
    assert account.last_offer.live
    parting = TransferOut(ORIGIN, START, ORIGIN, forget=True)
    assert decide(MEI, account, parting, BOOK, T + 2).state is None
