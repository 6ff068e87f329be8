from __future__ import annotations

from itertools import permutations

import pytest

from stream.engine.kin import contradicts, followed, forget, holds, learn, proof, tell, vetoes
from stream.engine.messages import Kin
from stream.engine.origin import winner_of
from stream.engine.state import Erased, Evidence, Origin
from tests.engine.build import LI, MEI, ORIGIN

OTHER, THIRD = "origin.wxoa.oMei", "origin.wxold.oMei"
SHARED = "union.wxmp.oMei"
LOGIN = Evidence(20, "l1", "session.logged_in.v1")
CHANGE = Evidence(10, "c1", "openid.changed.v1")


def test_what_is_learnt_is_the_same_in_any_order_and_once() -> None:
    messages = [
        Kin(OTHER, 10, {SHARED: CHANGE}),
        Kin(OTHER, 8, {MEI: LOGIN}, [LI]),
        Kin(THIRD, 12, {MEI: Evidence(5, "l0", "session.logged_in.v1")}),
    ]
    ends = []
    for order in permutations(messages):
        origin = Origin()
        assert all(learn(origin, message) is not None for message in order)
        assert [learn(origin, message) for message in order] == [None] * 3
        ends.append(origin)
    assert all(end == ends[0] for end in ends)
    assert ends[0].kin == {OTHER: 8, THIRD: 12}
    assert ends[0].shared[MEI].time == 5
    assert vetoes(ends[0]) == [LI]


def test_what_is_new_to_the_origin_is_told_by_name() -> None:
    origin = Origin({LI: LOGIN})
    assert learn(origin, Kin(OTHER, 10, {SHARED: CHANGE, LI: LOGIN})) == [SHARED]


def test_own_proof_comes_first_then_that_of_kin_then_their_profile() -> None:
    origin = Origin(shared={SHARED: CHANGE})
    assert winner_of(origin) == SHARED
    origin.shared[MEI] = LOGIN
    assert winner_of(origin) == MEI  # though the change is earlier
    origin.evidence[LI] = Evidence(99, "l9", "session.logged_in.v1")
    assert winner_of(origin) == LI
    assert proof(origin, MEI) == LOGIN


def test_whose_shared_profile_is_vetoed_has_no_kin() -> None:
    origin = Origin(shared={SHARED: CHANGE, MEI: LOGIN}, denied=[SHARED])
    assert followed(origin) == ""
    origin = Origin(shared={SHARED: CHANGE, MEI: LOGIN}, vetoed=[MEI])
    assert followed(origin) == SHARED


def test_the_account_an_app_is_in_now_comes_first() -> None:
    later = Evidence(99, "l9", "session.logged_in.v1", epoch=50)
    assert later.precedence < LOGIN.precedence
    assert not holds(LOGIN, later)
    assert winner_of(Origin({MEI: LOGIN, LI: later})) == LI


@pytest.mark.parametrize(
    ("union", "evidence", "said"),
    [
        (LI, LOGIN, True),
        (MEI, LOGIN, False),
        ("union.fit.uMei", LOGIN, False),  # two accounts never meet
        (LI, Evidence(20, "l1", "session.logged_in.v1", epoch=5), False),
        (SHARED, CHANGE, False),
    ],
)
def test_who_contradicts_whom(union: str, evidence: Evidence, said: bool) -> None:
    origin = Origin({MEI: LOGIN}, MEI, 1, shared={union: evidence})
    assert contradicts(origin, union) is said
    assert not contradicts(Origin(shared={union: evidence}), union)


def test_kin_are_told_everything() -> None:
    origin = Origin({MEI: LOGIN}, vetoed=[LI], kin={THIRD: 12, OTHER: 10}, shared={MEI: CHANGE})
    assert tell(origin, ORIGIN) == [
        (OTHER, Kin(ORIGIN, 10, {MEI: CHANGE}, [LI])),
        (THIRD, Kin(ORIGIN, 12, {MEI: CHANGE}, [LI])),
    ]


def test_who_is_erased_has_no_kin_from_before() -> None:
    origin = Origin(kin={OTHER: 10, THIRD: 12}, shared={SHARED: CHANGE, MEI: LOGIN})
    assert forget(origin, 10) == [OTHER]
    assert (origin.kin, origin.shared) == ({THIRD: 12}, {MEI: LOGIN})
    origin.erased = Erased(20)
    assert learn(origin, Kin(OTHER, 30, {LI: LOGIN})) == []
    assert LI not in origin.shared
