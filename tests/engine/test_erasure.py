from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.decide import decide
from stream.engine.decision import Decision, Publish, Send
from stream.engine.erasure import forgets, is_over, merged, tell, tell_origin
from stream.engine.facts import Fact
from stream.engine.messages import Arrived, Attach, Detach, Disown, Erase, Mark, Tick
from stream.engine.state import Account, Closed, Erased, Evidence, Origin, Passage, Posted, Strand
from stream.engine.touches import Touch, Touches
from stream.engine.verify import violations
from tests.engine.build import LI, MEI, ORIGIN, enrolment, login, purchase
from tests.support.books import BOOK, DAY, START

LOGIN = "session.logged_in.v1"
T = START + DAY


def account_with(*facts: Arrived, erased: Erased | None = None) -> Account:
    account = Account(erased=erased)
    for fact in facts:
        decision = decide(MEI, account, fact, BOOK, T)
        assert isinstance(decision.state, Account)
        account = decision.state
    return account


def points(decision: Decision) -> list[tuple[str, int]]:
    published = [o.data for o in decision.outputs if isinstance(o, Publish)]
    return [(entry["kind"], entry["points"]) for entry in published if "kind" in entry]


def test_the_instant_itself_is_forgotten_and_what_is_later_is_not() -> None:
    assert forgets(Erased(T), T)
    assert not forgets(Erased(T), T + 1)
    assert not forgets(None, 0)


def test_of_two_erasures_the_later_holds_and_that_the_person_asked() -> None:
    assert merged(Erased(5, True), 7, False) == Erased(7, True)
    assert merged(Erased(7), 5, True) == Erased(7, True)
    assert merged(None, 5, False) == Erased(5)


def test_the_mark_goes_before_the_erasure() -> None:
    assert tell(MEI, Erased(T, True)) == [Send(MEI, Mark(T, True)), Send(MEI, Erase(T, True))]


def test_one_entry_closes_what_is_erased_and_what_is_later_stays() -> None:
    account = account_with(
        Arrived(purchase("t1", 1000, START, "e1")),
        Arrived(purchase("t2", 500, T + 1, "e2"), counted=False),
    )
    before = account.posted.balance
    decision = decide(MEI, account, Erase(T, asked=False), BOOK, T + 2)
    assert points(decision) == [("expiry", account.posted.balance - before)]
    assert isinstance(decision.state, Account)
    assert [touch.time for touch in decision.state.strands[""].touches.values()] == [T + 1]
    assert not list(violations(MEI, decision.state, {}, BOOK, T + 2))


def test_points_paid_out_are_not_asked_back() -> None:
    account = account_with(Arrived(purchase()), Arrived(enrolment(time=START + 1)))
    assert account.posted.paid
    decision = decide(MEI, account, Erase(T), BOOK, T)
    assert decision.state is None
    assert [o for o in decision.outputs if isinstance(o, Publish)] == []


def test_a_second_erasure_of_the_same_is_none() -> None:
    account = account_with(Arrived(purchase(time=T + 1)), erased=Erased(T, True))
    assert not decide(MEI, account, Erase(T, True), BOOK, T + 2).changed


@pytest.mark.parametrize(("latest", "kept"), [(T, False), (T + 1, True)])
def test_closed_totals_go_when_the_latest_of_them_is_erased(latest: int, kept: bool) -> None:
    totals = Closed(touches={1: 2}, outcomes={"applied": 2}, latest=latest)
    account = Account({"": Strand(closed=totals)}, Posted(outcomes={"applied": 2}))
    decision = decide(MEI, account, Erase(T), BOOK, T + 2)
    assert (decision.state is not None) == kept


def test_an_erased_profile_asks_the_origin_about_what_may_be_from_before() -> None:
    message = Arrived(purchase(time=T + 1), ORIGIN, generation=1)
    stray = decide(MEI, None, message, BOOK, T + 2, Erased(T))
    assert (stray.outputs, stray.changed) == ((Send(ORIGIN, message),), False)
    current = replace_generation(message, T + 1)
    assert decide(MEI, None, current, BOOK, T + 2, Erased(T)).changed


def replace_generation(message: Arrived, generation: int) -> Arrived:
    return Arrived(message.fact, message.origin, generation=generation)


def test_an_erased_origin_begins_anew_with_higher_generations() -> None:
    claim = Arrived(login(T + 1), ORIGIN, MEI)
    decision = decide(ORIGIN, None, claim, BOOK, T + 2, Erased(T))
    assert isinstance(decision.state, Origin)
    assert (decision.state.bound, decision.state.generation) == (MEI, T + 1)


def test_a_bound_origin_takes_its_profile_along_and_its_strand_back() -> None:
    origin = Origin({MEI: Evidence(START, "l1", LOGIN)}, MEI, 1)
    decision = decide(ORIGIN, origin, Erase(T, True), BOOK, T)
    assert decision.outputs == (
        Send(MEI, Mark(T, True)),
        Send(MEI, Erase(T, True)),
        Send(MEI, Detach(ORIGIN, T, ORIGIN, forget=True)),
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
        Arrived(purchase(time=T + 1), ORIGIN, generation=1, forwarded=True), erased=Erased(T)
    )
    message = Detach(ORIGIN, T, ORIGIN, forget=True)
    decision = decide(MEI, account, message, BOOK, T + 2)
    (back,) = (o for o in decision.outputs if isinstance(o, Send))
    assert isinstance(back.message, Attach)
    assert (back.to, len(back.message.strand.touches), decision.state) == (ORIGIN, 1, None)
    assert not decide(MEI, None, message, BOOK, T + 2, Erased(T)).changed


def test_a_strand_from_before_is_not_taken_in_and_its_origin_is_told() -> None:
    strand = Strand(Touches.of({b"123456": Touch(START, 1, [("spend", 10)], 0, 1)}))
    message = Attach(ORIGIN, 1, strand, Posted({"spend@1": 10}, outcomes={"applied": 1}), ORIGIN)
    decision = decide(MEI, None, message, BOOK, T + 2, Erased(T, True))
    assert points(decision) == [("transfer_in", 10), ("expiry", -10)]
    assert [o for o in decision.outputs if isinstance(o, Send)] == [
        tell_origin(ORIGIN, Erased(T, True), MEI)
    ]
    assert not decide(MEI, decision.state, message, BOOK, T + 2).changed  # as long as it is known
    parting = Detach(ORIGIN, T, ORIGIN, forget=True)
    assert decide(MEI, decision.state, parting, BOOK, T + 3).state is None


def test_others_disown_the_erased() -> None:
    origin = Origin(
        {MEI: Evidence(START, "l1", LOGIN), LI: Evidence(T + 1, "l2", LOGIN)}, MEI, 1, vetoed=[LI]
    )
    decision = decide(ORIGIN, origin, Disown(LI, T + 1), BOOK, T + 2)
    assert isinstance(decision.state, Origin)
    assert (set(decision.state.evidence), decision.state.vetoed) == ({MEI}, [])
    account = Account(passages={ORIGIN: Passage(2, LI, [1]), "origin.wxmp.x": Passage(1, MEI)})
    assert decide(MEI, account, Disown(ORIGIN, T), BOOK, T).changed
    assert set(account.passages) == {"origin.wxmp.x"}
    assert not decide(MEI, account, Disown(LI, T), BOOK, T).changed


def test_who_never_joined_and_is_not_seen_for_long_is_told_to_go() -> None:
    book = replace(BOOK, idle_days=100)
    account = Account()
    arrived = decide(MEI, account, Arrived(purchase(time=START)), book, START)
    assert arrived.due is not None
    ends = START + 100 * DAY
    gone = decide(MEI, arrived.state, Tick(1), book, ends)
    assert [o for o in gone.outputs if isinstance(o, Send)] == tell(MEI, Erased(START))
    assert not is_over(account, MEI)


def test_a_mark_of_the_idle_ends_and_that_of_who_asked_does_not() -> None:
    asked = decide("erased.0.a", None, Mark(T, True), BOOK, T + 5)
    assert (asked.state, asked.ttl_s) == (Erased(T, True, T + 5), None)
    idle = decide("erased.0.a", None, Mark(T), BOOK, T + 5)
    assert idle.ttl_s is not None
    assert not decide("erased.0.a", Erased(T, True, 3), Mark(T), BOOK, T + 5).changed


def test_a_request_that_is_the_first_to_name_an_origin_reaches_it() -> None:
    request = Fact("erase:r1", "erase.requested.v1", "r1", T)
    decision = decide(MEI, None, Arrived(request, ORIGIN, generation=1, forwarded=True), BOOK, T)
    erased = Erased(T, True)
    assert decision.outputs == (*tell(MEI, erased), tell_origin(ORIGIN, erased, MEI))


def test_an_origin_forgets_at_the_word_of_its_own_profile_only() -> None:
    said = tell_origin(ORIGIN, Erased(T, True), MEI).message
    bound = Origin({MEI: Evidence(START, "l1", LOGIN)}, MEI, 1)
    assert decide(ORIGIN, bound, said, BOOK, T).outputs == tuple(tell(ORIGIN, Erased(T, True)))
    moved = Origin({LI: Evidence(START, "l1", LOGIN)}, LI, 3)
    decision = decide(ORIGIN, moved, said, BOOK, T)
    assert decision.outputs == (Send(MEI, Detach(ORIGIN, T, ORIGIN, forget=True)),)
    assert not decision.changed


def test_a_fact_by_a_binding_from_before_is_the_origins_to_judge() -> None:
    stray = Arrived(purchase(time=T), ORIGIN, generation=1)
    decision = decide(MEI, None, stray, BOOK, T + 2, Erased(T))
    assert decision.outputs == (Send(ORIGIN, stray),)
    later = Arrived(login(T + 1), ORIGIN, generation=T + 1, forwarded=True)
    account = account_with(later, erased=Erased(T))
    again = Arrived(purchase(time=T + 1), ORIGIN, generation=1)
    assert decide(MEI, account, again, BOOK, T + 2).outputs == (Send(ORIGIN, again),)


def test_an_end_told_again_does_not_end_what_began_since() -> None:
    later = Arrived(login(T + 1), ORIGIN, generation=T + 1, forwarded=True)
    account = account_with(later, erased=Erased(T))
    assert not decide(MEI, account, Detach(ORIGIN, T, ORIGIN, forget=True), BOOK, T + 2).changed


def test_an_account_whose_offer_ends_with_its_last_strand_is_not_kept() -> None:
    bought = Arrived(purchase(fen=5000, time=T), ORIGIN, generation=1, forwarded=True)
    account = account_with(bought, erased=Erased(START))
    assert account.told is not None
    assert account.told.live
    parting = Detach(ORIGIN, START, ORIGIN, forget=True)
    assert decide(MEI, account, parting, BOOK, T + 2).state is None
