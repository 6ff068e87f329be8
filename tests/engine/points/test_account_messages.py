# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import msgspec

from stream.engine.model.decision import Cause, Decision, Publish, Send
from stream.engine.model.facts import Fact
from stream.engine.model.messages import FactReceived, TransferIn, TransferOut
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.engine.points import account_messages as accounts
from stream.engine.storage.codec import dump_entity
from tests.engine.build import LI, MEI, ORIGIN, cause, enrolment, login, purchase
from tests.support.books import BOOK, DAY, FIRST, OFFERS, OPT_IN, START


def arrive(account: Account, *facts: Fact, as_of: int = START, counted: bool = True) -> Decision:
    for fact in facts:
        message = FactReceived(fact, ORIGIN, counted=counted)
        decision = accounts.arrive(account, message, BOOK, cause(as_of))
    return decision


def kinds(decision: Decision) -> list[str]:
    return [
        output.data.get("kind", output.type) if isinstance(output, Publish) else "send"
        for output in decision.outputs
    ]


def sent(decision: Decision) -> TransferIn:
    (message,) = (o.message for o in decision.outputs if isinstance(o, Send))
    assert isinstance(message, TransferIn)
    return message


# facts --------------------------------------------------------------------------------------------


def test_a_fact_is_posted_and_counted_once() -> None:
    account = Account()
    first = arrive(account, purchase(fen=1000))
    assert (kinds(first), first.counts) == (["accrual"], {Outcome.APPLIED: 1})
    assert account.posted.balance == 15
    again = arrive(account, purchase(fen=1000, id_="e2"))
    assert (again.changed, again.outputs) == (False, ())
    assert again.counts == {Outcome.DUPLICATE: 1}


def test_what_the_engine_itself_derives_is_not_counted() -> None:
    account = Account()
    arrive(account, purchase(fen=1000))
    net = msgspec.structs.replace(
        purchase(), rank=400, fields={"total_fen": 600, "payer_total_fen": 600}
    )
    refund = arrive(account, net, counted=False)
    assert (kinds(refund), dict(refund.counts)) == (["clawback"], {})
    again = arrive(account, net, counted=False)
    assert (again.changed, dict(again.counts)) == (False, {})


def paid(account: Account) -> list[int]:
    return [touch.fen for touch in account.facts_by_origin[ORIGIN].touches.values()]


def test_a_net_amount_may_come_before_its_payment() -> None:
    account = Account()
    net = msgspec.structs.replace(
        purchase(), rank=400, fields={"total_fen": 600, "payer_total_fen": 600}
    )
    arrive(account, net, counted=False)
    assert account.posted.balance == 9
    payment = arrive(account, purchase(fen=1000))
    assert (kinds(payment), payment.counts) == ([], {Outcome.APPLIED: 1})
    assert paid(account) == [600]


def test_a_touch_keeps_what_was_paid_and_not_given_back() -> None:
    account = Account()
    arrive(account, purchase(fen=1000), login())
    assert sorted(paid(account)) == [0, 1000]
    nothing = msgspec.structs.replace(
        purchase(), rank=1000, fields={"total_fen": 0, "payer_total_fen": 0}
    )
    arrive(account, nothing, counted=False)
    assert paid(account) == [0, 0]


def test_a_fact_out_of_reach_is_late_and_changes_nothing() -> None:
    account = Account()
    arrive(account, login())
    before = dump_entity(account)
    late = arrive(account, login(START + DAY, "l2"), as_of=START + 900 * DAY)
    assert (late.changed, late.outputs, late.counts) == (False, (), {Outcome.LATE: 1})
    assert dump_entity(account) == before
    assert arrive(Account(), login(), as_of=START + 700 * DAY).counts == {Outcome.APPLIED: 1}


def test_an_enrolment_is_never_late() -> None:
    decision = arrive(Account(), enrolment(), as_of=START + 70 * DAY)
    assert decision.counts == {Outcome.APPLIED: 1}


def test_an_answer_moves_what_waited_from_one_outcome_to_another() -> None:
    account = Account()
    waiting = accounts.arrive(account, FactReceived(purchase(), ORIGIN), OPT_IN, cause())
    assert waiting.counts == {Outcome.PARKED: 1}
    answer = Fact("c1", "consent.granted.v1", "c1", START)
    granted = accounts.arrive(account, FactReceived(answer, ORIGIN), OPT_IN, cause())
    assert granted.counts == {Outcome.PARKED: -1, Outcome.APPLIED: 2}


def test_an_earlier_copy_of_an_enrolment_holds_and_is_a_duplicate() -> None:
    account = Account()
    arrive(account, purchase(), enrolment(time=START + DAY), as_of=START + DAY)
    again = arrive(account, enrolment(time=START + 1, id_="m2"), as_of=START + DAY)
    assert (again.changed, again.counts) == (True, {Outcome.DUPLICATE: 1})
    later = arrive(account, enrolment(time=START + 2, id_="m3"), as_of=START + DAY)
    assert (later.changed, later.counts) == (False, {Outcome.DUPLICATE: 1})


def test_an_account_wants_a_tick_when_time_will_change_it() -> None:
    assert arrive(Account(), purchase(fen=1000)).due == START + 10 * DAY  # the points expire
    assert arrive(Account(), purchase(fen=2000)).due == START + 7 * DAY  # the offer lapses


# facts by origin ----------------------------------------------------------------------------------


def origins_account(*facts: Fact) -> tuple[Account, TransferIn]:
    """An unbound origin's account, and how it leaves for Mei."""
    account = Account()
    for fact in facts:
        accounts.arrive(account, FactReceived(fact, ORIGIN), BOOK, Cause(ORIGIN, "c0", START))
    leaving = accounts.leave(account, MEI, 1, Cause(ORIGIN, "b1", START))
    return account, sent(Decision(None, outputs=tuple(leaving)))


def test_an_origin_hands_over_all_it_has() -> None:
    _, parting = origins_account(purchase(fen=1000), login())
    assert (parting.origin, parting.sender, parting.generation) == (ORIGIN, ORIGIN, 1)
    assert parting.posted.balance == 35
    assert parting.offered  # 35 points and a login: it had an offer
    assert len(parting.facts.touches) == 2


def test_an_origins_facts_join_once() -> None:
    _, parting = origins_account(purchase(fen=1000))
    mei = Account()
    joined = accounts.attach(mei, parting, BOOK, cause())
    assert (kinds(joined), dict(joined.counts)) == (["transfer_in"], {})
    assert mei.posted.balance == 15
    again = accounts.attach(mei, parting, BOOK, cause())
    assert (again.changed, again.outputs) == (False, ())


def test_an_origins_facts_leave_with_exactly_their_own_points() -> None:
    """20 for a first login each; together only one is first, so 20 of 40 are Mei's own."""
    _, parting = origins_account(login(START, "l1"))
    mei = Account()
    first_elsewhere = FactReceived(login(START + 1, "l2"), "origin.wxoa.oMei")
    accounts.arrive(mei, first_elsewhere, BOOK, cause(START + 1))
    accounts.attach(mei, parting, BOOK, cause(START + 1))
    assert mei.posted.balance == 20
    left = accounts.detach(mei, TransferOut(ORIGIN, 2, LI), BOOK, cause(START + 1))
    assert mei.posted.balance == 20
    assert sent(left).posted.balance == 0
    li = Account()
    accounts.attach(li, sent(left), BOOK, cause(START + 1, LI))
    assert li.posted.balance == 20


def test_facts_leave_once_and_those_that_never_came_leave_empty() -> None:
    mei = Account()
    left = accounts.detach(mei, TransferOut(ORIGIN, 2, LI), BOOK, cause())
    assert sent(left).posted.balance == 0
    again = accounts.detach(mei, TransferOut(ORIGIN, 2, LI), BOOK, cause())
    assert (again.changed, again.outputs) == (False, ())


def test_what_was_paid_out_stays_paid_where_it_was() -> None:
    _, parting = origins_account(purchase(fen=1000))
    mei = Account()
    accounts.attach(mei, parting, BOOK, cause())
    arrive_directly = FactReceived(enrolment())
    accounts.arrive(mei, arrive_directly, BOOK, cause())
    assert mei.posted.paid == {"M1": 15}
    left = accounts.detach(mei, TransferOut(ORIGIN, 2, LI), BOOK, cause())
    assert kinds(left) == ["transfer_out", "payout_correction", "payout.corrected.v1", "send"]
    assert sent(left).posted.balance == 15
    assert (mei.posted.balance, mei.posted.paid) == (0, {"M1": 0})


def test_both_live_offers_end_and_one_takes_their_place_despite_a_cool_down() -> None:
    _, parting = origins_account(purchase(fen=1000), login())
    slow = RuleBook((replace(FIRST, offers=(replace(OFFERS, cooldown_ms=2 * DAY),)),))
    mei = Account()
    accounts.arrive(mei, FactReceived(purchase("t2", 2000, id_="e2")), slow, cause())
    assert mei.last_offer is not None
    assert mei.last_offer.live
    joined = accounts.attach(mei, parting, slow, cause(START + 1))
    assert kinds(joined) == ["transfer_in", "offer.withdrawn.v1", "offer.issued.v1"]
    assert mei.offers == 2


def test_what_joins_from_out_of_reach_closes_on_arrival() -> None:
    _, parting = origins_account(login())
    mei = Account()
    long_after = START + 900 * DAY
    arrive(mei, login(long_after, "l2"), as_of=long_after)
    joined = accounts.attach(mei, parting, BOOK, cause(long_after))
    assert mei.facts_by_origin[ORIGIN].archived is not None
    assert len(mei.facts_by_origin[ORIGIN].touches) == 1  # today's login
    assert kinds(joined)[0] == "transfer_in"
