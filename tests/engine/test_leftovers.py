"""Who is mentioned where, and what becomes of the mention once they are erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.account import ERASE_REQUESTED
from stream.engine.decision import Entity, Send
from stream.engine.facts import Fact
from stream.engine.leftovers import Gone, clue, instead, is_left_over, moves, orders
from stream.engine.messages import (
    Arrived,
    Attach,
    Detach,
    Disown,
    Erase,
    Mark,
    Message,
    Paid,
    Refunded,
    Tick,
    Unbind,
)
from stream.engine.payment import Payment
from stream.engine.state import (
    Account,
    Closed,
    Consent,
    Erased,
    Evidence,
    Origin,
    Passage,
    Posted,
    Strand,
)
from stream.engine.touches import Touch, Touches
from tests.engine.build import LI, MEI, ORIGIN, login, purchase

AT = 1_000
ERASED = Erased(AT, True, since=1_500)
GONE, BACK = Gone(ERASED, stored=False), Gone(ERASED, stored=True)
OTHER = "origin.wxoa.oOther"
BEFORE, AFTER = Evidence(AT, "e1", "t"), Evidence(AT + 1, "e2", "t")
TX = "tx.4200"


def account(passages: dict[str, Passage], strands: tuple[str, ...] = ()) -> Account:
    return Account(strands={name: Strand() for name in strands}, passages=passages)


#: Entity under a key, and what it is told once Mei is gone, and once she is back.
ORDERS: dict[str, tuple[str, Entity, list[Message], list[Message]]] = {
    "bound by what is erased": (
        ORIGIN,
        Origin(evidence={MEI: BEFORE}, bound=MEI),
        [Mark(AT, True), Erase(AT, True)],
        [Mark(AT, True), Erase(AT, True)],
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
    "passage of the origin": (ORIGIN, Origin(passage=Passage(1, MEI)), [Disown(MEI, AT)], []),
    "heir": (LI, account({ORIGIN: Passage(1, MEI)}, (ORIGIN,)), [Disown(MEI, AT)], []),
    "passage": (LI, account({MEI: Passage(1)}), [Disown(MEI, AT)], []),
    "strand, on its way": (LI, account({MEI: Passage(1)}, (MEI,)), [], []),
    "herself": (MEI, account({ORIGIN: Passage(1)}), [], []),
    "shared by kin": (ORIGIN, Origin(shared={MEI: BEFORE}), [Disown(MEI, AT)], [Disown(MEI, AT)]),
    "shared by kin since": (ORIGIN, Origin(shared={MEI: AFTER}), [], []),
    "bound by kin": (
        ORIGIN,
        Origin(shared={MEI: BEFORE}, bound=MEI),
        [Mark(AT, True), Erase(AT, True)],
        [Mark(AT, True), Erase(AT, True)],
    ),
    "kin": (ORIGIN, Origin(kin={MEI: AT}), [Disown(MEI, AT)], [Disown(MEI, AT)]),
    "kin since": (ORIGIN, Origin(kin={MEI: AT + 1}), [], []),
    "payment by either": (
        TX,
        Payment(LI, purchase(time=AT), others={MEI: purchase(time=AT)}),
        [Erase(AT, True)],
        [Erase(AT, True)],
    ),
    "payment": (TX, Payment(MEI, purchase(time=AT)), [Erase(AT, True)], [Erase(AT, True)]),
    "payment since": (TX, Payment(MEI, purchase(time=AT + 1)), [], []),
    "payment awaited": (TX, Payment(refunds={b"12345678": (1, 1)}), [], []),
    "mark": ("erased.0.ff", ERASED, [], []),
}


@pytest.mark.parametrize("case", ORDERS, ids=str)
def test_whoever_names_her_is_told(case: str) -> None:
    key, entity, when_gone, when_back = ORDERS[case]
    assert orders(key, entity, {MEI: GONE}) == [Send(key, m) for m in when_gone]
    assert orders(key, entity, {MEI: BACK}) == [Send(key, m) for m in when_back]
    assert orders(key, entity, {}) == []


def attach(*times: int, generation: int = 1, sender: str = ORIGIN, origin: str = ORIGIN) -> Attach:
    touches = {str(t).encode(): Touch(t, 1) for t in times}
    return Attach(origin, generation, Strand(Touches.of(touches)), Posted(), sender)


#: To whom, what, and whether it is left over when she is gone, and when she is back.
MESSAGES: list[tuple[str, Message, bool, bool]] = [
    (MEI, Arrived(purchase(time=AT)), True, True),
    (MEI, Arrived(purchase(time=AT + 1)), True, False),
    (ORIGIN, Arrived(login(AT), ORIGIN, MEI), True, True),
    (ORIGIN, Arrived(login(AT + 1), ORIGIN, MEI), False, False),  # it may be on its way to her
    (TX, Paid(MEI, purchase(time=AT)), True, True),
    (MEI, attach(AT), True, False),
    (LI, attach(AT, sender=MEI), True, False),
    (MEI, Detach(ORIGIN, 2, LI), True, False),
    (LI, Detach(ORIGIN, 2, MEI), True, False),
    (ORIGIN, Unbind(MEI, "u1", AT), True, False),
    (LI, Disown(MEI, AT), True, False),
    (MEI, Erase(AT), True, False),
    (ORIGIN, Erase(AT, True, by=MEI), True, False),
    ("erased.0.ff", Mark(AT), False, False),
    (TX, Refunded("r1", "e1", AT, 1, 1), False, False),
    ("tick", Tick(1), False, False),
    (LI, attach(AT), False, False),
]


@pytest.mark.parametrize(("to", "message", "when_gone", "when_back"), MESSAGES)
def test_a_message_is_left_over(
    to: str, message: Message, when_gone: bool, when_back: bool
) -> None:
    assert is_left_over(to, message, {MEI: GONE}) is when_gone
    assert is_left_over(to, message, {MEI: BACK}) is when_back
    assert not is_left_over(to, message, {})


@pytest.mark.parametrize(
    ("message", "old"),
    [
        (attach(AT - 1, AT, generation=AT), True),
        (attach(generation=1), True),
        (attach(AT, AT + 1), False),
        (attach(AT, generation=AT + 1), False),  # a binding of the new beginning
    ],
)
def test_a_strand_of_one_who_is_back_is_kept_for_what_is_new(message: Attach, old: bool) -> None:
    assert is_left_over(LI, message, {ORIGIN: BACK}) is old


def test_closed_totals_and_consents_are_of_some_time_too() -> None:
    closed = replace_strand(attach(AT), Strand(closed=Closed(latest=AT + 1)))
    assert not is_left_over(LI, closed, {ORIGIN: BACK})
    consent = replace_strand(attach(AT), Strand(consents={b"12345678": Consent(AT + 1, True)}))
    assert not is_left_over(LI, consent, {ORIGIN: BACK})


def replace_strand(message: Attach, strand: Strand) -> Attach:
    return Attach(message.origin, message.generation, strand, message.posted, message.sender)


THEIRS = Origin(evidence={LI: BEFORE}, bound=LI, generation=3)


def test_a_fact_of_somebody_else_is_said_again_without_her() -> None:
    fact = login(AT)
    gone = {MEI: GONE}
    again = [Send(ORIGIN, Arrived(fact, ORIGIN, generation=3, counted=False))]
    assert instead(Arrived(fact, ORIGIN, MEI), THEIRS, gone) == again
    assert instead(Arrived(fact, ORIGIN, generation=2), THEIRS, gone) == again
    kept = Arrived(fact, ORIGIN, LI, generation=3, counted=False)
    assert instead(Arrived(fact, ORIGIN, LI), THEIRS, gone) == [Send(ORIGIN, kept)]
    unknown = [Send(ORIGIN, Arrived(fact, ORIGIN, counted=False))]
    assert instead(Arrived(fact, ORIGIN, MEI), None, gone) == unknown


def test_what_the_origin_is_bound_to_now_hears_of_the_binding_again() -> None:
    gone = {MEI: GONE}
    numbered = [Send(LI, Attach(ORIGIN, 3, Strand(), Posted(), ORIGIN))]
    assert instead(attach(AT), THEIRS, gone) == numbered
    assert instead(Detach(ORIGIN, 2, LI), THEIRS, gone) == numbered
    assert instead(attach(AT), Origin(generation=2), gone) == []
    assert instead(attach(AT), None, gone) == []


@pytest.mark.parametrize("owner", [GONE, BACK])
def test_her_own_facts_are_not_said_again(owner: Gone) -> None:
    gone = {MEI: GONE, ORIGIN: owner}
    assert instead(Arrived(login(AT), ORIGIN, MEI), None, gone) == []
    assert instead(attach(AT), THEIRS, gone) == []
    assert instead(Arrived(login(AT)), None, gone) == []
    assert instead(Unbind(MEI, "u1", AT), None, gone) == []


def test_what_she_does_since_is_said_again_of_the_origin_which_is_back() -> None:
    fact = Arrived(login(AT + 1), ORIGIN)
    assert instead(fact, THEIRS, {MEI: GONE, ORIGIN: BACK}) != []
    assert instead(fact, None, {MEI: GONE, ORIGIN: GONE}) == []


def test_nobody_is_asked_to_be_forgotten_twice() -> None:
    request = Arrived(Fact("k", ERASE_REQUESTED, "e", AT), ORIGIN)
    assert is_left_over(MEI, request, {MEI: GONE})
    assert instead(request, THEIRS, {MEI: GONE}) == []


@pytest.mark.parametrize(
    ("to", "message", "about"),
    [
        (TX, Paid(MEI, purchase(time=AT)), TX),
        (TX, Paid(MEI, purchase(time=AT + 1)), TX),  # nothing is stored under her key
        (TX, Paid(LI, purchase(time=AT)), ""),
        (TX, Erase(0), TX),
        (TX, Refunded("r1", "e1", AT, 1, 1), ""),
        (MEI, attach(AT), ORIGIN),
        (LI, Detach(ORIGIN, 2, MEI), ORIGIN),
        (MEI, Arrived(login(AT), ORIGIN), ORIGIN),
        (ORIGIN, Arrived(login(AT), ORIGIN, MEI), ""),  # it was claimed, and perhaps no more
        (MEI, Arrived(login(AT)), ""),
        (MEI, Erase(AT), ""),
        (LI, attach(AT), ""),
    ],
)
def test_what_tells_of_more_that_is_left_over(to: str, message: Message, about: str) -> None:
    assert clue(to, message, {MEI: GONE}) == about


def test_her_own_origins_are_no_clue() -> None:
    assert clue(MEI, attach(AT), {MEI: GONE, ORIGIN: GONE}) == ""


def test_moves_are_attach_and_detach() -> None:
    assert moves(attach(AT)) == moves(Detach(ORIGIN, 2, LI)) == ORIGIN
    assert moves(Arrived(login(AT), ORIGIN)) == ""


def test_what_the_engine_said_is_hers_until_it_learnt_of_the_erasure() -> None:
    assert BACK.knew(1_500)
    assert not BACK.knew(1_501)
    assert GONE.knew(1_501)
    assert replace(BACK, erased=Erased()).knew(0)
