# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import pytest

from stream.engine.identity import origin_binding as origins
from stream.engine.model.decision import Channel, Decision, Publish, Send
from stream.engine.model.facts import Fact
from stream.engine.model.limits import CLAIMS_PER_ORIGIN_MAX, UNBINDS_PER_ORIGIN_MAX
from stream.engine.model.messages import (
    Alias,
    Disown,
    Erase,
    FactReceived,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.state import Erased, Evidence, Origin, OriginFacts, Posted, TransferState
from stream.engine.storage.codec import dump_entity
from tests.engine.build import LI, MEI, ORIGIN, cause, login, purchase
from tests.support.books import BOOK, DAY, START


def arrive(origin: Origin, fact: Fact, claim: str = "") -> Decision:
    message = FactReceived(fact, ORIGIN, claim)
    return origins.arrive(origin, message, BOOK, cause(START, ORIGIN, fact.event_id))


def words(decision: Decision) -> list[str]:
    return [
        output.type
        if isinstance(output, Publish)
        else f"{type(output.message).__name__} {output.to}"
        for output in decision.outputs
    ]


def test_an_unbound_origin_has_an_account_of_its_own() -> None:
    origin = Origin()
    assert words(arrive(origin, purchase())) == ["entry.posted.v1"]
    assert origin.account is not None
    assert origin.account.posted.balance == 15


def test_a_claim_binds_and_everything_moves_before_the_event_itself() -> None:
    origin = Origin()
    arrive(origin, purchase())
    decision = arrive(origin, login(), MEI)
    assert words(decision) == [
        "origin.bound.v1",
        "entry.posted.v1",
        f"TransferIn {MEI}",
        f"FactReceived {MEI}",
    ]
    assert (origin.bound, origin.generation, origin.account) == (MEI, 1, None)
    assert dict(decision.counts) == {}  # whoever it is sent to counts it
    last = decision.outputs[-1]
    assert isinstance(last, Send)
    assert last.message == FactReceived(login(), ORIGIN, "", 1, forwarded=True)


def test_a_bind_as_it_is_published() -> None:
    bound = arrive(Origin(), login(), MEI).outputs[0]
    assert bound == Publish(
        Channel.IDENTITY,
        "origin.bound.v1",
        "d816ec90e2e58cc160efa382a64b8181",
        ORIGIN,
        START,
        {
            "appid": "wxmp",
            "openid": "oMei",
            "consumer_id": MEI,
            "evidence": {
                "event_id": "l1",
                "type": "session.logged_in.v1",
                "time": "2026-02-28T16:00:00.000Z",
            },
            "generation": 1,
        },
    )


def test_the_same_claim_again_says_nothing_new() -> None:
    origin = Origin()
    arrive(origin, login(START, "l1"), MEI)
    before = dump_entity(origin)
    again = arrive(origin, login(START + 1, "l2"), MEI)
    assert (again.changed, words(again)) == (False, [f"FactReceived {MEI}"])
    assert dump_entity(origin) == before


def test_earlier_evidence_for_the_same_bind_is_kept_and_moves_nobody() -> None:
    origin = Origin()
    arrive(origin, login(START + 1, "l1"), MEI)
    earlier = arrive(origin, login(START, "l2"), MEI)
    assert (earlier.changed, words(earlier)) == (True, [f"FactReceived {MEI}"])
    assert origin.evidence[MEI] == Evidence(START, "l2", "session.logged_in.v1")


def test_a_later_claim_of_another_is_a_conflict_and_moves_nobody() -> None:
    origin = Origin()
    arrive(origin, login(START, "l1"), MEI)
    decision = arrive(origin, login(START + 1, "l2"), LI)
    assert words(decision) == ["origin.conflicted.v1", f"FactReceived {MEI}"]
    conflict = decision.outputs[0]
    assert isinstance(conflict, Publish)
    type_ = "session.logged_in.v1"
    assert conflict.data == {
        "appid": "wxmp",
        "openid": "oMei",
        "kept": {
            "consumer_id": MEI,
            "evidence": {"event_id": "l1", "type": type_, "time": "2026-02-28T16:00:00.000Z"},
        },
        "refused": {
            "consumer_id": LI,
            "evidence": {"event_id": "l2", "type": type_, "time": "2026-02-28T16:00:00.001Z"},
        },
        "as_of": "2026-02-28T16:00:00.000Z",
    }
    assert words(arrive(origin, login(START + 2, "l3"), LI)) == [f"FactReceived {MEI}"]


def test_an_earlier_claim_of_another_moves_the_origin() -> None:
    origin = Origin()
    arrive(origin, login(START + 1, "l1"), LI)
    decision = arrive(origin, login(START, "l2"), MEI)
    assert words(decision) == [
        "origin.bound.v1",
        f"TransferOut {LI}",
        "origin.conflicted.v1",
        f"FactReceived {MEI}",
    ]
    detach = decision.outputs[1]
    assert isinstance(detach, Send)
    assert detach.message == TransferOut(ORIGIN, 2, MEI)
    assert (origin.bound, origin.generation) == (MEI, 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_claims_of_one_instant_the_smaller_event_id_wins(order: tuple[int, int]) -> None:
    claims = [(login(START, "a"), LI), (login(START, "b"), MEI)]
    origin = Origin()
    for i in order:
        arrive(origin, *claims[i])
    assert origin.bound == LI


def test_one_event_which_claims_two_ends_the_same_in_either_order() -> None:
    """Two records with one id and one time: the smaller Union ID's key decides."""
    for claims in ([MEI, LI], [LI, MEI]):
        origin = Origin()
        for claim in claims:
            arrive(origin, login(START, "a"), claim)
        assert origin.bound == LI


def test_what_is_addressed_to_a_former_owner_is_sent_on() -> None:
    origin = Origin(bound=MEI, generation=2, transfer=TransferState(left=2, successor=MEI))
    message = TransferIn(ORIGIN, 1, OriginFacts(), Posted(granted={"spend@1": 5}), LI)
    decision = origins.attach(origin, message, BOOK, cause(START, ORIGIN))
    assert (decision.changed, decision.outputs) == (False, (Send(MEI, message),))
    nothing = TransferIn(ORIGIN, 1, OriginFacts(), Posted(), LI)
    decision = origins.attach(origin, nothing, BOOK, cause(START, ORIGIN))
    assert (decision.changed, decision.outputs) == (False, ())


def test_an_origins_facts_may_come_home() -> None:
    origin = Origin()
    message = TransferIn(ORIGIN, 1, OriginFacts(), Posted({"spend@1": 5}), MEI)
    decision = origins.attach(origin, message, BOOK, cause(START, ORIGIN))
    assert origin.account is not None
    assert words(decision) == ["entry.posted.v1", "entry.posted.v1"]
    assert origin.account.posted.balance == 0  # in with 5, which none of its facts earned


def test_time_passes_without_effect_for_an_origin_that_gave_its_account_away() -> None:
    origin = Origin(bound=MEI, generation=1)
    decision = origins.tick(origin, BOOK, cause(START, ORIGIN))
    assert (decision.state, decision.outputs, decision.due) == (origin, (), None)


# a bind which is undone ---------------------------------------------------------------------------


def unbind(origin: Origin, union: str = MEI) -> Decision:
    message = Unbind(union, "u1", START)
    return origins.unbind(origin, message, BOOK, cause(START, ORIGIN, "u1"))


def test_an_unbound_origin_asks_for_its_own_points_back() -> None:
    origin = Origin()
    arrive(origin, login(), MEI)
    decision = unbind(origin)
    assert decision.counts == {Outcome.APPLIED: 1}
    assert (origin.bound, origin.generation, origin.vetoed) == ("", 2, [MEI])
    published, detach = decision.outputs
    assert published == Publish(
        Channel.IDENTITY,
        "origin.unbound.v1",
        "a9ed4b376cb14dc32fad428969fbb693",
        ORIGIN,
        START,
        {
            "appid": "wxmp",
            "openid": "oMei",
            "consumer_id": MEI,
            "generation": 2,
            "as_of": "2026-02-28T16:00:00.000Z",
        },
    )
    assert detach == Send(MEI, TransferOut(ORIGIN, 2, ORIGIN))


def test_the_next_best_evidence_takes_the_place_of_a_bind_that_is_undone() -> None:
    origin = Origin()
    arrive(origin, login(START, "l1"), MEI)
    arrive(origin, login(START + 1, "l2"), LI)
    assert words(unbind(origin)) == ["origin.unbound.v1", "origin.bound.v1", f"TransferOut {MEI}"]
    assert origin.bound == LI


def test_what_was_undone_is_never_bound_again_nor_reported() -> None:
    origin = Origin()
    arrive(origin, login(START + 1, "l1"), MEI)
    unbind(origin)
    assert words(arrive(origin, login(START, "l2"), MEI)) == ["entry.posted.v1"]
    assert origin.bound == ""
    assert "origin.conflicted.v1" not in words(arrive(origin, login(START + 2, "l3"), LI))
    assert "origin.conflicted.v1" not in words(arrive(origin, login(START - 1, "l4"), MEI))
    assert origin.bound == LI


def test_a_request_may_come_before_what_it_forbids() -> None:
    origin = Origin()
    early = unbind(origin)
    assert (early.outputs, early.counts) == ((), {Outcome.APPLIED: 1})
    assert words(arrive(origin, login(), MEI)) == ["entry.posted.v1"]
    assert (origin.bound, origin.generation) == ("", 0)


def test_a_second_request_is_a_duplicate() -> None:
    origin = Origin()
    unbind(origin)
    again = unbind(origin)
    assert (again.changed, again.outputs, again.counts) == (False, (), {Outcome.DUPLICATE: 1})


def test_a_request_about_another_leaves_the_bind_and_the_next_tick_as_they_are() -> None:
    origin = Origin()
    arrive(origin, login(), MEI)
    assert unbind(origin, LI).outputs == ()
    assert origin.bound == MEI
    waiting = Origin()
    due = arrive(waiting, login()).due
    assert due is not None
    assert unbind(waiting).due == due


def test_a_copy_of_a_known_fact_which_claims_the_forbidden_changes_nothing() -> None:
    """It says that nothing changed, so nothing may have."""
    origin = Origin()
    unbind(origin)
    arrive(origin, login())
    before = dump_entity(origin)
    copy = arrive(origin, login(), MEI)
    assert (copy.changed, copy.counts) == (False, {Outcome.DUPLICATE: 1})
    assert dump_entity(origin) == before


def test_a_fact_that_is_late_leaves_no_empty_account_behind() -> None:
    origin = Origin(vetoed=[MEI])
    before = dump_entity(origin)
    message = FactReceived(login(), ORIGIN)
    late = origins.arrive(origin, message, BOOK, cause(START + 900 * DAY, ORIGIN))
    assert (late.changed, late.counts) == (False, {Outcome.LATE: 1})
    assert dump_entity(origin) == before


def test_no_two_accounts_of_an_origin_write_entries_or_offers_of_one_id() -> None:
    """A copy of a fact may come while its first account is still on its way home."""
    origin = Origin()
    said: list[Publish] = []
    for claim in (MEI, LI):
        facts = [arrive(origin, purchase(fen=3000)), arrive(origin, login(), claim)]
        decisions = [*facts, unbind(origin, claim)]
        said += [o for d in decisions for o in d.outputs if isinstance(o, Publish)]
    entries = [o.data["kind"] for o in said if o.type == "entry.posted.v1"]
    assert entries == ["accrual", "accrual", "transfer_out"] * 2  # spend and big
    assert [o.type for o in said].count("offer.issued.v1") == 2
    assert len({o.id for o in said}) == len(said)


def test_bindings_are_counted_on_from_what_is_heard_of_them() -> None:
    """What led to the earlier ones may have been erased from the log."""
    origin = Origin(evidence={MEI: Evidence(START, "l1", "t")}, bound=MEI, generation=1)
    message = FactReceived(purchase(), ORIGIN, generation=3)
    decision = origins.arrive(origin, message, BOOK, cause(START, ORIGIN))
    assert decision.changed
    assert origin.generation == 3
    (onward,) = decision.outputs
    assert isinstance(onward, Send)
    assert isinstance(onward.message, FactReceived)
    assert onward.message.generation == 3
    assert not origins.arrive(origin, message, BOOK, cause(START, ORIGIN)).changed


def test_an_origin_disowns_whom_its_facts_once_went_to() -> None:
    origin = Origin(
        evidence={LI: Evidence(START, "l1", "t")},
        bound=LI,
        transfer=TransferState(left=1, successor=MEI),
    )
    assert origins.disown(origin, Disown(MEI, START), BOOK, cause(START, ORIGIN)).changed
    assert origin.transfer == TransferState(left=1, successor=LI)
    assert not origins.disown(origin, Disown(MEI, START), BOOK, cause(START, ORIGIN)).changed


# aliases ------------------------------------------------------------------------------------------

OTHER, SHARED = "origin.wxoa.oMei", "union.wxmp.oMei"
CHANGE = Evidence(START, "c1", "openid.changed.v1")
LOGIN = Evidence(START, "l1", "session.logged_in.v1")


def meet(
    origin: Origin, shared: dict[str, Evidence], *, vetoed: tuple[str, ...] = (), since: int = START
) -> Decision:
    message = Alias(OTHER, since, shared, [*vetoed])
    return origins.meet(origin, message, BOOK, cause(START, ORIGIN, "aliases"))


def test_aliases_share_a_profile_until_one_of_them_is_known() -> None:
    origin = Origin()
    arrive(origin, purchase())
    assert words(meet(origin, {SHARED: CHANGE})) == [
        "origin.bound.v1",
        "entry.posted.v1",
        f"TransferIn {SHARED}",
    ]
    assert words(meet(origin, {MEI: LOGIN})) == ["origin.bound.v1", f"TransferOut {SHARED}"]
    assert (origin.bound, origin.generation) == (MEI, 2)
    again = meet(origin, {MEI: LOGIN, SHARED: CHANGE})
    assert (again.changed, again.outputs) == (False, ())


def test_what_an_origin_learns_its_aliases_learn() -> None:
    origin = Origin()
    meet(origin, {SHARED: CHANGE})
    assert words(arrive(origin, login(), MEI))[:3] == [
        "origin.bound.v1",
        f"TransferOut {SHARED}",
        f"Alias {OTHER}",
    ]
    assert words(arrive(origin, login(START + 1, "l2"), MEI)) == [f"FactReceived {MEI}"]


def test_who_proves_another_union_keeps_it_and_says_so() -> None:
    origin = Origin()
    arrive(origin, login(), MEI)
    assert words(meet(origin, {LI: Evidence(START - 1, "l0", "t")})) == [
        f"Alias {OTHER}",
        "origin.conflicted.v1",
    ]
    assert origin.bound == MEI


def test_what_aliases_are_not_the_origin_is_not() -> None:
    origin = Origin()
    meet(origin, {SHARED: CHANGE, MEI: LOGIN})
    assert words(meet(origin, {}, vetoed=(MEI,))) == [
        "origin.unbound.v1",
        "origin.bound.v1",
        f"TransferOut {MEI}",
    ]
    assert origin.bound == SHARED
    unbind = Unbind(SHARED, "u1", START)
    undone = origins.unbind(origin, unbind, BOOK, cause(START, ORIGIN, "u1"))
    assert words(undone) == [f"Alias {OTHER}", "origin.unbound.v1", f"TransferOut {SHARED}"]
    assert dict(undone.counts) == {Outcome.APPLIED: 1}
    assert origin.bound == ""


def test_to_forget_one_is_to_forget_aliases_known_by_then() -> None:
    origin = Origin()
    meet(origin, {SHARED: CHANGE})
    erased = origins.erase(origin, Erase(START, True), BOOK, cause(START, ORIGIN, "e"))
    assert [w for w in words(erased) if OTHER in w] == [f"ErasureMark {OTHER}", f"Erase {OTHER}"]
    hers = [w for w in words(erased) if SHARED in w]
    assert hers[:2] == [f"ErasureMark {SHARED}", f"Erase {SHARED}"]
    assert erased.state is None
    gone = Origin(erased=Erased(START, True))
    assert words(meet(gone, {SHARED: CHANGE})) == [f"ErasureMark {OTHER}", f"Erase {OTHER}"]
    assert words(meet(gone, {SHARED: CHANGE}, since=START + 1)) == []
    assert gone.bound == ""


def test_who_is_erased_is_disowned_by_former_aliases() -> None:
    origin = Origin(evidence={MEI: LOGIN}, bound=MEI, generation=1)
    origin.aliases, origin.shared, origin.denied = {OTHER: START}, {SHARED: CHANGE}, [LI]
    about = cause(START, ORIGIN, "d")
    for person in (OTHER, SHARED, LI):
        assert origins.disown(origin, Disown(person, START), BOOK, about).changed
    assert (origin.aliases, origin.shared, origin.denied) == ({}, {}, [])
    assert not origins.disown(origin, Disown(OTHER, START), BOOK, about).changed


def test_a_binding_before_the_facts_are_home_gives_the_heir_its_number() -> None:
    origin = Origin()
    arrive(origin, login(), MEI)
    origins.unbind(origin, Unbind(MEI, "u1", START), BOOK, cause(START, ORIGIN, "u1"))
    decision = arrive(origin, login(START + 1, "l2"), LI)
    sent = [output.message for output in decision.outputs if isinstance(output, Send)]
    assert sent[0] == TransferIn(ORIGIN, 3, OriginFacts(), Posted(), ORIGIN)


def test_of_an_app_which_has_moved_the_newer_account_wins_without_a_conflict() -> None:
    origin = Origin()
    moved = FactReceived(login(START + 9, "l9"), ORIGIN, "union.new.uMei", epoch=START + 5)
    arrive(origin, login(), MEI)
    decision = origins.arrive(origin, moved, BOOK, cause(START, ORIGIN, "l9"))
    assert words(decision)[:2] == ["origin.bound.v1", f"TransferOut {MEI}"]
    assert words(arrive(origin, login(START - 1, "l0"), LI)) == ["FactReceived union.new.uMei"]
    assert origin.bound == "union.new.uMei"


def test_a_claim_too_many_is_refused_and_sent_to_nobody() -> None:
    origin = Origin()
    for number in range(CLAIMS_PER_ORIGIN_MAX):
        arrive(origin, login(START - number, f"l{number}"), f"union.brand.u{number}")
    generation = origin.generation
    further = FactReceived(login(START - 99, "l99"), ORIGIN, "union.brand.u99")
    refused = origins.arrive(origin, further, BOOK, cause(START, ORIGIN))
    assert (refused.changed, refused.outputs) == (False, ())
    assert dict(refused.counts) == {Outcome.REFUSED: 1}
    uncounted = msgspec.structs.replace(further, counted=False)
    assert dict(origins.arrive(origin, uncounted, BOOK, cause(START, ORIGIN)).counts) == {}
    assert (len(origin.evidence), origin.generation) == (CLAIMS_PER_ORIGIN_MAX, generation)
    again = arrive(origin, login(START, "l0"), "union.brand.u0")
    assert words(again) == [f"FactReceived {origin.bound}"]


def test_an_unbind_too_many_is_refused() -> None:
    origin = Origin(vetoed=[f"union.brand.u{number}" for number in range(UNBINDS_PER_ORIGIN_MAX)])
    refused = origins.unbind(origin, Unbind(MEI, "u1", START), BOOK, cause(START, ORIGIN))
    assert (refused.changed, dict(refused.counts)) == (False, {Outcome.REFUSED: 1})
    again = origins.unbind(origin, Unbind("union.brand.u1", "u", START), BOOK, cause(START, ORIGIN))
    assert dict(again.counts) == {Outcome.DUPLICATE: 1}
