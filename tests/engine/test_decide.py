# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from typing import get_args

import msgspec
import pytest

from stream.engine.decide import decide
from stream.engine.model.decision import Decision, Entity, Send
from stream.engine.model.messages import (
    Alias,
    CampaignEnded,
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    PaymentReported,
    RefundReported,
    Refuse,
    RulesChanged,
    Tick,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment, lifetime_ms
from stream.engine.model.state import Account, Evidence, Origin, OriginFacts, Posted, TransferState
from stream.engine.points.earning import is_void
from stream.engine.storage.codec import dump_entity
from tests.engine.build import LI, MEI, ORIGIN, enrolment, login, purchase
from tests.support.books import BOOK, DAY, START

TX = "tx.t1"
MESSAGES: list[Message] = [
    FactReceived(purchase(), ORIGIN), PaymentReported(ORIGIN, purchase()),
    RefundReported("r1", "e2", START, 300, 250),
    TransferIn(ORIGIN, 1, OriginFacts(), Posted(), ORIGIN), TransferOut(ORIGIN, 1, LI),
    Unbind(LI, "u1", START), Alias("origin.wxoa.oMei", START, {}), Refuse("snapshot_user"),
    Erase(START), ErasureMark(START), Disown(LI, START), Tick(1), RulesChanged(1, b""),
    CampaignEnded("weeks", START),
]  # fmt: skip
NEVER = {
    ("union", RulesChanged), ("origin", RulesChanged), ("tx", RulesChanged),
    ("union", CampaignEnded), ("origin", CampaignEnded), ("tx", CampaignEnded),
    ("union", PaymentReported), ("union", RefundReported), ("union", Unbind), ("union", Alias),
    ("tx", Alias), ("origin", PaymentReported), ("origin", RefundReported),
    ("origin", TransferOut), ("tx", TransferIn), ("tx", TransferOut), ("tx", Unbind),
    ("tx", Disown), ("union", ErasureMark), ("origin", ErasureMark), ("tx", ErasureMark),
}  # fmt: skip


def apply(key: str, state: Entity | None, message: Message, as_of: int = START) -> Decision:
    return decide(key, state, message, BOOK, as_of)


def test_every_message_is_tried_below() -> None:
    assert {type(message) for message in MESSAGES} == set(get_args(Message))


@pytest.mark.parametrize("key", [MEI, ORIGIN, TX])
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_who_takes_which_message(key: str, message: Message) -> None:
    if (key.partition(".")[0], type(message)) in NEVER:
        with pytest.raises(KeyError):
            apply(key, None, message)
    else:
        assert isinstance(apply(key, None, message), Decision)


@pytest.mark.parametrize(("key", "state"), [(MEI, Account()), (ORIGIN, Origin()), (TX, None)])
def test_what_policy_refuses_is_counted_and_changes_nothing(key: str, state: Entity | None) -> None:
    decision = apply(key, state, Refuse("snapshot_user"))
    assert (decision.state, decision.changed, decision.outputs) == (state, False, ())
    assert decision.counts == {Outcome.REFUSED: 1}


# a payment ----------------------------------------------------------------------------------------


def sent(decision: Decision) -> list[tuple[str, Message]]:
    assert all(isinstance(output, Send) for output in decision.outputs)
    return [(o.to, o.message) for o in decision.outputs if isinstance(o, Send)]


def net(order_fen: int, payer_fen: int, cause: str) -> FactReceived:
    fields = {"total_fen": 1000 - order_fen, "payer_total_fen": 1000 - payer_fen}
    fact = msgspec.structs.replace(purchase(), fields=fields, rank=order_fen, event_id=cause)
    return FactReceived(fact, ORIGIN, counted=False)


def test_a_refund_sends_the_payer_the_net_amount() -> None:
    payment = Payment(ORIGIN, purchase())
    decision = apply(TX, payment, RefundReported("r1", "e2", START, 300, 250))
    assert sent(decision) == [(ORIGIN, net(300, 250, "e2"))]
    assert decision.counts == {Outcome.APPLIED: 1}
    again = apply(TX, payment, RefundReported("r1", "e3", START, 300, 250))
    assert (again.changed, again.outputs, again.counts) == (False, (), {Outcome.DUPLICATE: 1})


def test_a_refund_waits_for_its_payment() -> None:
    waiting = apply(TX, None, RefundReported("r1", "e2", START, 300, 250))
    assert (waiting.outputs, waiting.counts) == ((), {Outcome.PARKED: 1})
    assert waiting.due == START + lifetime_ms(BOOK)
    paid = apply(TX, waiting.state, PaymentReported(ORIGIN, purchase()))
    assert sent(paid) == [(ORIGIN, net(300, 250, "e1"))]
    assert paid.counts == {Outcome.PARKED: -1, Outcome.APPLIED: 1}


def test_who_enrols_by_a_payment_waits_for_it_or_is_sent_to_the_payer() -> None:
    message = FactReceived(enrolment())
    to_payer = (ORIGIN, FactReceived(enrolment(), ORIGIN))
    known = apply(TX, Payment(ORIGIN, purchase()), message)
    assert (known.changed, sent(known)) == (False, [to_payer])
    waiting = apply(TX, None, message)
    assert waiting.counts == {Outcome.PARKED: 1}
    paid = apply(TX, waiting.state, PaymentReported(ORIGIN, purchase()))
    assert sent(paid) == [to_payer]
    assert Counter(paid.counts) == Counter({Outcome.PARKED: -1})  # the payer's account counts it


def test_a_second_copy_of_what_waits_is_a_duplicate_and_the_earlier_is_kept() -> None:
    first = apply(TX, None, FactReceived(enrolment(time=START + 5)))
    second = apply(TX, first.state, FactReceived(enrolment(time=START)))
    assert second.counts == {Outcome.DUPLICATE: 1}
    assert isinstance(second.state, Payment)
    assert [waiting.fact.time for waiting in second.state.waiting.values()] == [START]


def test_a_payment_is_heard_of_once_and_kept_for_its_lifetime() -> None:
    first = apply(TX, None, PaymentReported(ORIGIN, purchase()))
    assert (first.due, first.ttl_s) == (None, lifetime_ms(BOOK) // 1000)
    again = apply(TX, first.state, PaymentReported(ORIGIN, purchase(id_="e9")))
    assert (again.changed, again.outputs, dict(again.counts)) == (False, (), {})


def test_of_two_payers_one_counts_and_they_are_introduced() -> None:
    other = "origin.wxoa.oMei"
    real = "4200002231202603010000000001"
    first = apply(TX, None, PaymentReported(other, purchase(real), b"\x01mall"))
    second = apply(TX, first.state, PaymentReported(ORIGIN, purchase(real)))
    evidence = Evidence(START, f"payment:{real}", "payment.succeeded.v1")
    introduced, counts, no_more = sent(second)
    aliases = Alias(other, START, {"union.wxmp.oMei": evidence}, introduced=True)
    assert introduced == (ORIGIN, aliases)
    assert [to for to, _ in (counts, no_more)] == [ORIGIN, other]
    facts = [m.fact for _, m in (counts, no_more) if isinstance(m, FactReceived) and not m.counted]
    assert [fact.fields["total_fen"] for fact in facts] == [1000, 0]
    assert [is_void(fact) for fact in facts] == [False, True]
    assert facts[0].rank > facts[1].rank > purchase().rank


def test_a_claim_waits_for_the_payer_uncounted_and_holds_in_their_account_only() -> None:
    claim = FactReceived(login(), claim=MEI, counted=False, among=["wxmp"])
    waiting = apply(TX, None, claim)
    assert dict(waiting.counts) == {}
    (to_payer,) = sent(apply(TX, waiting.state, PaymentReported(ORIGIN, purchase())))
    assert to_payer == (ORIGIN, FactReceived(login(), ORIGIN, MEI, counted=False))
    other = "origin.wxgym.oMei"
    (elsewhere,) = sent(apply(TX, Payment(other, purchase()), claim))
    assert elsewhere == (other, FactReceived(login(), other, counted=False))


def test_after_its_horizon_a_payment_is_forgotten_and_what_waited_is_refused() -> None:
    waiting = apply(TX, None, RefundReported("r1", "e2", START, 300, 250))
    gone = apply(TX, waiting.state, Tick(1), as_of=waiting.due or 0)
    assert gone.state is None
    assert gone.counts == {Outcome.PARKED: -1, Outcome.REFUSED: 1}


@pytest.mark.parametrize(("days", "left_s"), [(0, 397 * 86_400), (396, 86_400), (397, 1), (500, 1)])
def test_a_payment_expires_by_itself_counted_from_when_it_was_paid(days: int, left_s: int) -> None:
    payment = Payment(ORIGIN, purchase())
    refund = RefundReported("r1", "e2", START, 300, 250)
    assert apply(TX, payment, refund, as_of=START + days * DAY).ttl_s == left_s


def test_a_tick_finds_nothing_to_count_in_a_payment_that_is_known() -> None:
    assert dict(apply(TX, Payment(ORIGIN, purchase()), Tick(1)).counts) == {}


def lost_to_li() -> Account:
    return Account(transfers={ORIGIN: TransferState(left=2, successor=LI)})


# a profile which an origin has left ---------------------------------------------------------------


@pytest.mark.parametrize(("generation", "sent_on"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_profile_sends_back_what_a_lost_origin_sends_it(generation: int, sent_on: bool) -> None:
    mei = lost_to_li()
    message = FactReceived(purchase(), ORIGIN, generation=generation)
    decision = apply(MEI, mei, message)
    assert (decision.outputs == (Send(ORIGIN, message),)) is sent_on
    assert (ORIGIN in mei.facts_by_origin) is not sent_on


def test_facts_that_come_late_follow_to_the_heir() -> None:
    mei = lost_to_li()
    late = TransferIn(ORIGIN, 1, OriginFacts(), Posted(granted={"spend@1": 5}), ORIGIN)
    assert sent(apply(MEI, mei, late)) == [(LI, late)]
    assert sent(apply(MEI, mei, TransferIn(ORIGIN, 1, OriginFacts(), Posted(), ORIGIN))) == []
    back = TransferIn(ORIGIN, 3, OriginFacts(), Posted(), LI)
    assert apply(MEI, mei, back).outputs == ()
    assert ORIGIN in mei.facts_by_origin


def test_what_has_joined_or_left_once_does_not_do_so_again() -> None:
    """A log which is read once more, or a store restored, sends everything again."""
    mei = lost_to_li()
    back = TransferIn(ORIGIN, 3, OriginFacts(), Posted(granted={"spend@1": 5}), LI)
    apply(MEI, mei, back)
    assert apply(MEI, mei, back).changed is False
    assert apply(MEI, mei, TransferOut(ORIGIN, 2, LI)).changed is False
    gone = apply(MEI, mei, TransferOut(ORIGIN, 4, LI))
    assert [to for to, _ in sent(gone)] == [LI]
    assert apply(MEI, mei, back).changed is False


def test_what_changes_nothing_does_not_forget_that_an_origin_left_either() -> None:
    mei = lost_to_li()
    before = dump_entity(mei)
    late = FactReceived(login(), ORIGIN, generation=3)
    decision = apply(MEI, mei, late, as_of=START + 900 * DAY)
    assert (decision.changed, decision.counts) == (False, {Outcome.LATE: 1})
    assert dump_entity(mei) == before
