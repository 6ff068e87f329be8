# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.control_group import Group, control_at, group_of, is_control, marks
from stream.engine.model.ruleset import ControlGroup, RuleBook
from stream.engine.model.state import Account, ArchivedTotals, OriginFacts
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from tests.engine.build import MEI
from tests.support.books import DAY, FIRST, START

SPRING = ControlGroup("spring", 20)
PEOPLE = [f"origin.wxmp.o{n}" for n in range(2000)]
CONTROL = next(who for who in PEOPLE if is_control(SPRING, who))
TREATED = next(who for who in PEOPLE if not is_control(SPRING, who))
OTHERS = [who for who in PEOPLE if not is_control(SPRING, who)]


def known_by(*origins: str) -> Account:
    met = Touches.of({b"abcdef": Touch(START, Touchpoint.LOGIN, seen=1)})
    return Account({origin: OriginFacts(met) for origin in origins})


def test_the_control_group_is_a_fixed_share_and_a_larger_one_has_all_of_a_smaller() -> None:
    def drawn(percent: int) -> set[str]:
        return {who for who in PEOPLE if is_control(ControlGroup("spring", percent), who)}

    assert 150 < len(drawn(10)) < 250
    assert drawn(10) < drawn(30)
    assert not drawn(0)
    assert len(drawn(100)) == len(PEOPLE)
    assert is_control(ControlGroup("spring_2026", 50), "origin.wxmp.Wei")  # never changes


def test_each_experiment_draws_anew() -> None:
    spring = {who for who in PEOPLE if is_control(SPRING, who)}
    autumn = {who for who in PEOPLE if is_control(ControlGroup("autumn", 20), who)}
    assert 50 < len(spring & autumn) < 120  # 80 of 2,000 by chance


@pytest.mark.parametrize(
    ("origins", "group"),
    [
        ((CONTROL,), Group.CONTROL),
        ((TREATED,), Group.TREATED),
        ((TREATED, OTHERS[1], ""), Group.TREATED),
        ((CONTROL, ""), Group.CONTROL),
        ((CONTROL, TREATED), Group.MIXED),
        ((TREATED, CONTROL, ""), Group.MIXED),
    ],
)
def test_the_origins_decide_in_whatever_order(origins: tuple[str, ...], group: Group) -> None:
    for order in (origins, origins[::-1]):
        assert group_of(SPRING, MEI, known_by(*order)) is group


@given(st.lists(st.sampled_from(PEOPLE[:40]), min_size=1), st.sampled_from(PEOPLE[:40]))
def test_nobody_with_an_origin_leaves_treated_for_control(origins: list[str], another: str) -> None:
    before = group_of(SPRING, origins[0], known_by(*origins))
    after = group_of(SPRING, MEI, known_by(*origins, another, ""))
    assert after in {before, Group.MIXED}


def test_who_is_known_by_a_union_id_alone_is_sorted_by_that() -> None:
    unions = [f"union.brand.u{n}" for n in range(2000)]
    for account in (known_by(), known_by("")):
        groups = [group_of(SPRING, union, account) for union in unions]
        assert 330 < groups.count(Group.CONTROL) < 470
        assert groups.count(Group.MIXED) == 0


def test_an_origin_which_was_never_met_decides_nothing_and_one_of_long_ago_does() -> None:
    account = known_by(TREATED)
    account.facts_by_origin[CONTROL] = OriginFacts()
    assert group_of(SPRING, MEI, account) is Group.TREATED
    account.facts_by_origin[CONTROL] = OriginFacts(archived=ArchivedTotals(latest=START))
    assert group_of(SPRING, MEI, account) is Group.MIXED


def test_what_is_said_names_the_experiment_in_force() -> None:
    later = replace(FIRST, version=2, effective_ms=START + DAY, control_group=SPRING)
    book = RuleBook((FIRST, later))
    assert control_at(RuleBook(()), START) is None
    assert control_at(book, START) is None
    assert control_at(book, START + DAY) is SPRING
    assert marks(None, CONTROL, known_by(CONTROL)) == {}
    said = {"experiment": "spring", "group": "control"}
    assert marks(SPRING, CONTROL, known_by(CONTROL)) == said
