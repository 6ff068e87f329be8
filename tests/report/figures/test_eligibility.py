# SPDX-License-Identifier: Apache-2.0
"""When somebody qualifies, and in which group, as small stories."""

from __future__ import annotations

from schemas import Event
from stream.engine.model.calendar import day_of
from stream.engine.model.control_group import Group, is_control
from stream.engine.model.ruleset import ControlGroup
from stream.report.figures.eligibility import Eligibility, eligibility
from stream.report.figures.history import history_of
from stream.report.figures.lots import holdings
from tests.support.books import DAY, DIRECTORY, EXPERIMENT, HOUR, START
from tests.support.events import OPENIDS, check_in, enrolled, login, payment, refund
from tests.support.world import World

FIRST_DAY = day_of(START)
CONTROL = ControlGroup("spring", 40)
MEI, ALSO_MEI = OPENIDS[:2]
UNION = "union.brand.uMei"
WHO = {"appid": "wxmp", "openid": MEI}


def at(day: int) -> int:
    return START + day * DAY + 12 * HOUR


def qualified(
    *events: Event, until: int = 20, key: str = f"origin.wxmp.{MEI}"
) -> Eligibility | None:
    """Nothing is in the control group before the eleventh day; then a threshold of 25 holds."""
    world = World(EXPERIMENT, DIRECTORY, stale=False)
    world.run([(event, at(until)) for event in events], until=at(until))
    account, as_of = world.accounts()[key], at(until)
    held = holdings(account, EXPERIMENT, as_of)
    past = history_of(account, held.view, EXPERIMENT, as_of)
    return eligibility(key, account, held, past, EXPERIMENT, as_of)


def side(openid: str) -> str:
    control = is_control(CONTROL, f"origin.wxmp.{openid}")
    return (Group.CONTROL if control else Group.TREATED).value


def test_points_and_a_trigger_suffice() -> None:
    found = qualified(payment(at(2), "t3", MEI, 2_000))
    assert found == Eligibility(FIRST_DAY + 2, "-", 0, "all", crossed=False)


def test_a_trigger_alone_does_not_nor_do_points_alone() -> None:
    assert qualified(payment(at(2), "t3", MEI, 500)) is None
    assert qualified(*(check_in(at(n), f"k{n}", WHO) for n in range(4))) is None


def test_what_was_given_back_never_qualified() -> None:
    paid, back = payment(at(2), "t3", MEI, 2_000), refund(at(9), "t3", "r1", 2_000)
    assert qualified(paid, back) is None


def test_a_version_may_make_somebody_qualify() -> None:
    events = (
        payment(at(5), "t3", MEI, 1_050),
        check_in(at(4), "k", WHO),
    )
    found = qualified(*events)
    assert found == Eligibility(FIRST_DAY + 10, "spring", 40, side(MEI), crossed=False)


def test_expired_points_do_not_count() -> None:
    early, late = payment(at(0), "t3", MEI, 1_050), payment(at(12), "t4", MEI, 1_500)
    assert qualified(early, late) is None
    found = qualified(early, late, payment(at(13), "t5", MEI, 1_000))
    assert found is not None
    assert found.day == FIRST_DAY + 13


def test_after_the_enrolment_nobody_qualifies() -> None:
    paid = payment(at(12), "t3", MEI, 2_600)
    before = qualified(enrolled(at(11), "m1", WHO), paid)
    after = qualified(enrolled(at(13), "m1", WHO), paid)
    assert before is None
    assert after is not None
    assert after.day == FIRST_DAY + 12


def test_the_group_is_that_of_the_origin_which_was_there() -> None:
    paid = payment(at(12), "t3", MEI, 2_600)
    joined = [login(at(15), openid, "uMei") for openid in (MEI, ALSO_MEI)]
    found = qualified(paid, *joined, key=UNION)
    crossed = side(MEI) != side(ALSO_MEI)
    assert found == Eligibility(FIRST_DAY + 12, "spring", 40, side(MEI), crossed)
    earlier = [login(at(11), openid, "uMei") for openid in (MEI, ALSO_MEI)]
    several = qualified(paid, *earlier, key=UNION)
    assert several is not None
    assert several.group == "several"
