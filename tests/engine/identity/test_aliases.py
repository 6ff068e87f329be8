# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import permutations

import pytest

from stream.engine.identity.aliases import (
    News,
    answer,
    contradicts,
    followed,
    forget,
    holds,
    introduce,
    learn,
    proof,
    share,
    vetoes,
)
from stream.engine.identity.origin_binding import winner_of
from stream.engine.model.limits import ALIASES_PER_ORIGIN_MAX, CLAIMS_PER_ORIGIN_MAX
from stream.engine.model.messages import Alias
from stream.engine.model.state import Erased, Evidence, Origin
from tests.engine.build import LI, MEI, ORIGIN

OTHER, THIRD = "origin.wxoa.oMei", "origin.wxold.oMei"
SHARED = "union.wxmp.oMei"
LOGIN = Evidence(20, "l1", "session.logged_in.v1")
CHANGE = Evidence(10, "c1", "openid.changed.v1")


def test_what_is_learnt_is_the_same_in_any_order_and_once() -> None:
    messages = [
        Alias(OTHER, 10, {SHARED: CHANGE}),
        Alias(OTHER, 8, {MEI: LOGIN}, [LI]),
        Alias(THIRD, 12, {MEI: Evidence(5, "l0", "session.logged_in.v1")}),
    ]
    ends = []
    for order in permutations(messages):
        origin = Origin()
        assert all(learn(origin, message) is not None for message in order)
        assert [learn(origin, message) for message in order] == [None] * 3
        ends.append(origin)
    assert all(end == ends[0] for end in ends)
    assert ends[0].aliases == {OTHER: 8, THIRD: 12}
    assert ends[0].shared[MEI].time == 5
    assert vetoes(ends[0]) == [LI]


def test_what_is_new_to_the_origin_is_sent_by_name() -> None:
    origin = Origin({LI: LOGIN})
    news = learn(origin, Alias(OTHER, 10, {SHARED: CHANGE, LI: LOGIN}))
    assert news == News({SHARED: CHANGE, LI: LOGIN}, [], [SHARED], met=True)
    assert learn(origin, Alias(OTHER, 10, {SHARED: CHANGE}, [LI])) == News({}, [LI], [], met=False)


def test_own_proof_comes_first_then_that_of_aliases_then_their_profile() -> None:
    origin = Origin(shared={SHARED: CHANGE})
    assert winner_of(origin) == SHARED
    origin.shared[MEI] = LOGIN
    assert winner_of(origin) == MEI  # though the change is earlier
    origin.evidence[LI] = Evidence(99, "l9", "session.logged_in.v1")
    assert winner_of(origin) == LI
    assert proof(origin, MEI) == LOGIN


def test_whose_shared_profile_is_vetoed_has_no_aliases() -> None:
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


def test_aliases_learn_what_is_new_but_not_from_whom_they_learnt_it() -> None:
    origin = Origin(aliases={THIRD: 12, OTHER: 10}, shared={MEI: CHANGE, SHARED: CHANGE})
    assert share(origin, ORIGIN, {MEI: CHANGE}, [LI]) == [
        (OTHER, Alias(ORIGIN, 10, {MEI: CHANGE}, [LI])),
        (THIRD, Alias(ORIGIN, 12, {MEI: CHANGE}, [LI])),
    ]
    assert [to for to, _ in share(origin, ORIGIN, {MEI: CHANGE}, [], OTHER)] == [THIRD]
    assert share(origin, ORIGIN, {}, []) == []


def said_back(origin: Origin, message: Alias) -> list[tuple[str, Alias]]:
    news = learn(origin, message)
    assert news is not None
    return answer(origin, ORIGIN, message, news)


def test_who_meets_learns_all_that_they_did_not_say() -> None:
    origin = Origin({MEI: LOGIN}, vetoed=[LI])
    message = Alias(OTHER, 10, {SHARED: CHANGE}, [LI])
    assert said_back(origin, message) == [(OTHER, Alias(ORIGIN, 10, {MEI: LOGIN}))]
    assert said_back(origin, Alias(THIRD, 9, {SHARED: CHANGE, MEI: LOGIN}, [LI])) == []
    assert said_back(origin, Alias(OTHER, 9, {}, [SHARED])) == []  # they know each other


def test_who_is_introduced_need_not_know_and_learns_all() -> None:
    origin, first = Origin({MEI: LOGIN}, vetoed=[LI]), introduce(OTHER, SHARED, CHANGE)
    everything = Alias(ORIGIN, 10, {SHARED: CHANGE, MEI: LOGIN}, [LI])
    assert said_back(origin, first) == [(OTHER, everything)]
    earlier = Evidence(5, "c0", "openid.changed.v1")
    assert said_back(origin, introduce(OTHER, SHARED, earlier)) == [
        (OTHER, Alias(ORIGIN, 5, {SHARED: earlier}))
    ]
    assert learn(origin, first) is None


def test_of_profiles_of_aliases_the_first_is_kept_and_of_claims_the_first_few() -> None:
    origin, later = Origin(), Evidence(11, "c2", "openid.changed.v1")
    learn(origin, Alias(OTHER, 10, {"union.wxoa.oMei": later}))
    assert learn(origin, Alias(OTHER, 10, {SHARED: CHANGE})) is not None
    assert learn(origin, Alias(OTHER, 10, {"union.wxoa.oMei": later})) is None
    assert origin.shared == {SHARED: CHANGE}
    claims = {f"union.brand.u{n:02}": Evidence(30 - n, "l1", "t") for n in range(20)}
    learn(origin, Alias(OTHER, 10, claims))
    assert sorted(origin.shared) == [*sorted(claims)[-CLAIMS_PER_ORIGIN_MAX:], SHARED]


def test_an_origin_has_so_many_aliases_and_no_more() -> None:
    origin = Origin()
    for number in range(ALIASES_PER_ORIGIN_MAX):
        assert learn(origin, Alias(f"origin.wxmp.o{number}", 10, {})) is not None
    assert learn(origin, Alias(OTHER, 1, {SHARED: CHANGE})) is None
    assert len(origin.aliases) == ALIASES_PER_ORIGIN_MAX
    assert origin.shared == {}


def test_who_is_erased_has_no_aliases_from_before() -> None:
    origin = Origin(aliases={OTHER: 10, THIRD: 12}, shared={SHARED: CHANGE, MEI: LOGIN})
    assert forget(origin, 10) == [OTHER]
    assert (origin.aliases, origin.shared) == ({THIRD: 12}, {MEI: LOGIN})
    origin.erased = Erased(20)
    assert learn(origin, Alias(OTHER, 30, {LI: LOGIN})) == News({}, [], [], met=True)
    assert LI not in origin.shared
