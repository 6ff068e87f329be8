# SPDX-License-Identifier: Apache-2.0
"""Who is mentioned where, and what becomes of the mention once they are erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.erasure.residue import (
    ErasedPerson,
    deferred_key,
    is_residue,
    messages_to_forget,
    moves,
    restated,
)
from stream.engine.model.decision import Entity, Send
from stream.engine.model.facts import Fact
from stream.engine.model.messages import (
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    PaymentReported,
    RefundReported,
    Tick,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.payment import Payment, Refund, Report
from stream.engine.model.state import (
    Account,
    Answer,
    ArchivedTotals,
    Consent,
    Erased,
    Evidence,
    Origin,
    OriginFacts,
    Posted,
    TransferState,
)
from stream.engine.model.touches import Touch, Touches
from stream.engine.points.account_messages import ERASE_REQUESTED
from tests.engine.build import LI, MEI, ORIGIN, login, purchase

AT = 1_000
ERASED = Erased(AT, True, since=1_500)
GONE, BACK = ErasedPerson(ERASED, stored=False), ErasedPerson(ERASED, stored=True)
OTHER = "origin.wxoa.oOther"
BEFORE, AFTER = Evidence(AT, "e1", "t"), Evidence(AT + 1, "e2", "t")
TX = "tx.4200"


def account(transfers: dict[str, TransferState], facts_by_origin: tuple[str, ...] = ()) -> Account:
    return Account(
        facts_by_origin={name: OriginFacts() for name in facts_by_origin}, transfers=transfers
    )


#: Entity under a key, and what it is sent once Mei is gone, and once she is back.
FORGETTERS: dict[str, tuple[str, Entity, list[Message], list[Message]]] = {
    "bound by what is erased": (
        ORIGIN,
        Origin(evidence={MEI: BEFORE}, bound=MEI),
        [ErasureMark(AT, True), Erase(AT, True)],
        [ErasureMark(AT, True), Erase(AT, True)],
    ),
    "bound since": (ORIGIN, Origin(evidence={MEI: AFTER}, bound=MEI), [], []),
    "evidence which lost": (
        ORIGIN,
        Origin(evidence={LI: BEFORE, MEI: BEFORE}, bound=LI),
        [Disown(MEI, AT)],
        [Disown(MEI, AT)],
    ),
    "evidence since, vetoed": (ORIGIN, Origin(evidence={MEI: AFTER}, vetoed=[MEI]), [], []),
    "veto": (ORIGIN, Origin(vetoed=[MEI]), [Disown(MEI, AT)], []),
    "transfer of the origin": (
        ORIGIN,
        Origin(transfer=TransferState(1, MEI)),
        [Disown(MEI, AT)],
        [],
    ),
    "heir": (LI, account({ORIGIN: TransferState(1, MEI)}, (ORIGIN,)), [Disown(MEI, AT)], []),
    "transfer": (LI, account({MEI: TransferState(1)}), [Disown(MEI, AT)], []),
    "facts, on their way": (LI, account({MEI: TransferState(1)}, (MEI,)), [], []),
    "herself": (MEI, account({ORIGIN: TransferState(1)}), [], []),
    "shared by aliases": (
        ORIGIN,
        Origin(shared={MEI: BEFORE}),
        [Disown(MEI, AT)],
        [Disown(MEI, AT)],
    ),
    "shared by aliases since": (ORIGIN, Origin(shared={MEI: AFTER}), [], []),
    "bound by aliases": (
        ORIGIN,
        Origin(shared={MEI: BEFORE}, bound=MEI),
        [ErasureMark(AT, True), Erase(AT, True)],
        [ErasureMark(AT, True), Erase(AT, True)],
    ),
    "aliases": (ORIGIN, Origin(aliases={MEI: AT}), [Disown(MEI, AT)], [Disown(MEI, AT)]),
    "aliases since": (ORIGIN, Origin(aliases={MEI: AT + 1}), [], []),
    "payment by either": (
        TX,
        Payment(LI, purchase(time=AT), others=[Report(MEI, purchase(time=AT))]),
        [Erase(AT, True)],
        [Erase(AT, True)],
    ),
    "payment": (TX, Payment(MEI, purchase(time=AT)), [Erase(AT, True)], [Erase(AT, True)]),
    "payment since": (TX, Payment(MEI, purchase(time=AT + 1)), [], []),
    "payment awaited": (TX, Payment(refunds={b"12345678": [Refund("1", 1, 1)]}), [], []),
    "mark": ("erased.0.ff", ERASED, [], []),
}


@pytest.mark.parametrize("case", FORGETTERS, ids=str)
def test_whoever_names_her_gets_a_message(case: str) -> None:
    key, entity, when_gone, when_back = FORGETTERS[case]
    assert messages_to_forget(key, entity, {MEI: GONE}) == [Send(key, m) for m in when_gone]
    assert messages_to_forget(key, entity, {MEI: BACK}) == [Send(key, m) for m in when_back]
    assert messages_to_forget(key, entity, {}) == []


def attach(
    *times: int, generation: int = 1, sender: str = ORIGIN, origin: str = ORIGIN
) -> TransferIn:
    touches = {str(t).encode(): Touch(t, 1) for t in times}
    return TransferIn(origin, generation, OriginFacts(Touches.of(touches)), Posted(), sender)


#: To whom, what, and whether it is left over when she is gone, and when she is back.
MESSAGES: list[tuple[str, Message, bool, bool]] = [
    (MEI, FactReceived(purchase(time=AT)), True, True),
    (MEI, FactReceived(purchase(time=AT + 1)), True, False),
    (ORIGIN, FactReceived(login(AT), ORIGIN, MEI), True, True),
    (ORIGIN, FactReceived(login(AT + 1), ORIGIN, MEI), False, False),  # it may be on its way to her
    (TX, PaymentReported(MEI, purchase(time=AT)), True, True),
    (MEI, attach(AT), True, False),
    (LI, attach(AT, sender=MEI), True, False),
    (MEI, TransferOut(ORIGIN, 2, LI), True, False),
    (LI, TransferOut(ORIGIN, 2, MEI), True, False),
    (ORIGIN, Unbind(MEI, "u1", AT), True, False),
    (LI, Disown(MEI, AT), True, False),
    (MEI, Erase(AT), True, False),
    (ORIGIN, Erase(AT, True, by=MEI), True, False),
    ("erased.0.ff", ErasureMark(AT), False, False),
    (TX, RefundReported("r1", "e1", AT, 1, 1), False, False),
    ("tick", Tick(1), False, False),
    (LI, attach(AT), False, False),
]


@pytest.mark.parametrize(("to", "message", "when_gone", "when_back"), MESSAGES)
def test_a_message_is_left(to: str, message: Message, when_gone: bool, when_back: bool) -> None:
    assert is_residue(to, message, {MEI: GONE}) is when_gone
    assert is_residue(to, message, {MEI: BACK}) is when_back
    assert not is_residue(to, message, {})


@pytest.mark.parametrize(
    ("message", "old"),
    [
        (attach(AT - 1, AT, generation=AT), True),
        (attach(generation=1), True),
        (attach(AT, AT + 1), False),
        (attach(AT, generation=AT + 1), False),  # a binding of the new beginning
    ],
)
def test_facts_of_one_who_is_back_are_kept_for_what_is_new(message: TransferIn, old: bool) -> None:
    assert is_residue(LI, message, {ORIGIN: BACK}) is old


def test_closed_totals_and_consents_are_of_some_time_too() -> None:
    archived = replace_facts(attach(AT), OriginFacts(archived=ArchivedTotals(latest=AT + 1)))
    assert not is_residue(LI, archived, {ORIGIN: BACK})
    consents = {b"12345678": Consent(AT + 1, Answer.GRANTED)}
    consent = replace_facts(attach(AT), OriginFacts(consents=consents))
    assert not is_residue(LI, consent, {ORIGIN: BACK})


def replace_facts(message: TransferIn, origin_facts: OriginFacts) -> TransferIn:
    of = message
    return TransferIn(of.origin, of.generation, origin_facts, of.posted, of.sender)


THEIRS = Origin(evidence={LI: BEFORE}, bound=LI, generation=3)


def test_a_fact_of_somebody_else_is_said_again_without_her() -> None:
    fact = login(AT)
    gone = {MEI: GONE}
    again = [Send(ORIGIN, FactReceived(fact, ORIGIN, generation=3, counted=False))]
    assert restated(FactReceived(fact, ORIGIN, MEI), THEIRS, gone) == again
    assert restated(FactReceived(fact, ORIGIN, generation=2), THEIRS, gone) == again
    kept = FactReceived(fact, ORIGIN, LI, generation=3, counted=False)
    assert restated(FactReceived(fact, ORIGIN, LI), THEIRS, gone) == [Send(ORIGIN, kept)]
    unknown = [Send(ORIGIN, FactReceived(fact, ORIGIN, counted=False))]
    assert restated(FactReceived(fact, ORIGIN, MEI), None, gone) == unknown


def test_what_the_origin_is_bound_to_now_hears_of_the_binding_again() -> None:
    gone = {MEI: GONE}
    numbered = [Send(LI, TransferIn(ORIGIN, 3, OriginFacts(), Posted(), ORIGIN))]
    assert restated(attach(AT), THEIRS, gone) == numbered
    assert restated(TransferOut(ORIGIN, 2, LI), THEIRS, gone) == numbered
    assert restated(attach(AT), Origin(generation=2), gone) == []
    assert restated(attach(AT), None, gone) == []


@pytest.mark.parametrize("owner", [GONE, BACK])
def test_her_own_facts_are_not_said_again(owner: ErasedPerson) -> None:
    gone = {MEI: GONE, ORIGIN: owner}
    assert restated(FactReceived(login(AT), ORIGIN, MEI), None, gone) == []
    assert restated(attach(AT), THEIRS, gone) == []
    assert restated(FactReceived(login(AT)), None, gone) == []
    assert restated(Unbind(MEI, "u1", AT), None, gone) == []


def test_what_she_does_since_is_said_again_of_the_origin_which_is_back() -> None:
    fact = FactReceived(login(AT + 1), ORIGIN)
    assert restated(fact, THEIRS, {MEI: GONE, ORIGIN: BACK}) != []
    assert restated(fact, None, {MEI: GONE, ORIGIN: GONE}) == []


def test_nobody_is_asked_to_be_forgotten_twice() -> None:
    request = FactReceived(Fact("k", ERASE_REQUESTED, "e", AT), ORIGIN)
    assert is_residue(MEI, request, {MEI: GONE})
    assert restated(request, THEIRS, {MEI: GONE}) == []


@pytest.mark.parametrize(
    ("to", "message", "about"),
    [
        (TX, PaymentReported(MEI, purchase(time=AT)), TX),
        (TX, PaymentReported(MEI, purchase(time=AT + 1)), TX),  # nothing is stored under her key
        (TX, PaymentReported(LI, purchase(time=AT)), ""),
        (TX, Erase(0), TX),
        (TX, RefundReported("r1", "e1", AT, 1, 1), ""),
        (MEI, attach(AT), ORIGIN),
        (LI, TransferOut(ORIGIN, 2, MEI), ORIGIN),
        (MEI, FactReceived(login(AT), ORIGIN), ORIGIN),
        (ORIGIN, FactReceived(login(AT), ORIGIN, MEI), ""),  # it was claimed, and perhaps no more
        (MEI, FactReceived(login(AT)), ""),
        (MEI, Erase(AT), ""),
        (LI, attach(AT), ""),
    ],
)
def test_what_points_to_more_that_is_left(to: str, message: Message, about: str) -> None:
    assert deferred_key(to, message, {MEI: GONE}) == about


def test_her_own_origins_are_no_clue() -> None:
    assert deferred_key(MEI, attach(AT), {MEI: GONE, ORIGIN: GONE}) == ""


def test_moves_are_attach_and_detach() -> None:
    assert moves(attach(AT)) == moves(TransferOut(ORIGIN, 2, LI)) == ORIGIN
    assert moves(FactReceived(login(AT), ORIGIN)) == ""


def test_what_the_engine_said_is_hers_until_it_learnt_of_the_erasure() -> None:
    assert BACK.knew(1_500)
    assert not BACK.knew(1_501)
    assert GONE.knew(1_501)
    assert replace(BACK, erased=Erased()).knew(0)
