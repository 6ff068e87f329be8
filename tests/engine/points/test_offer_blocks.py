# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stream.engine.model.classes import Test, Who
from stream.engine.model.ruleset import (
    Audience,
    ConsentMode,
    ControlGroup,
    OfferBlock,
    RuleBook,
)
from stream.engine.model.state import (
    Account,
    Answer,
    ArchivedTotals,
    Consent,
    LastOffer,
    OriginFacts,
)
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView
from stream.engine.points.offer_blocks import (
    Live,
    differs,
    held_offer,
    is_for,
    live_offer,
    outdated,
)
from tests.engine.build import MEI, ORIGIN
from tests.engine.points.offering import POLICY, book, view
from tests.support.books import DAY, FIRST, HOUR, START


def live(points: int, benefits: list[str]) -> Live:
    return Live(points, START + 7 * DAY, benefits, 0, "welcome", Touchpoint.LOGIN, START)


NO = [Consent(START, Answer.WITHDRAWN)]
YES = [Consent(START, Answer.GRANTED)]
OPT_IN = RuleBook((replace(FIRST, consent=ConsentMode.OPT_IN),))
NO_OFFERS = RuleBook((replace(FIRST, offers=()),))
ALL_CONTROL = RuleBook((replace(FIRST, control_group=ControlGroup("spring", 100)),))


@pytest.mark.parametrize(
    ("rules", "of", "hours", "expected"),
    [
        (book(), view(30), 0, live(30, [])),
        (book(), view(40), 0, live(40, ["gift"])),
        (book(), view(99), 167, live(99, ["gift", "coffee"])),
        (book(), view(99), 168, "lapsed"),
        (book(), view(99, None), 0, "lapsed"),
        (book(), view(29), 0, "below_threshold"),
        (book(threshold_points=0), view(0), 0, "below_threshold"),
        (book(), view(29), 168, "below_threshold"),
        (ALL_CONTROL, view(29), 0, "control_group"),
        (ALL_CONTROL, view(29, consents=NO), 0, "consent"),
        (OPT_IN, view(99), 0, "consent"),
        (OPT_IN, view(99, consents=YES), 0, live(99, [])),
        (NO_OFFERS, view(99, consents=NO), 0, "rules"),
        (RuleBook(()), view(99), 0, "rules"),
    ],
)
def test_a_live_offer_or_the_first_reason_against_it(
    rules: RuleBook, of: AccountView, hours: int, expected: Live | str
) -> None:
    assert live_offer(MEI, Account(), of, rules, START + hours * HOUR) == expected


def test_the_latest_trigger_counts() -> None:
    latest = {int(Touchpoint.LOGIN): START, int(Touchpoint.FOLLOW): START + DAY}
    latest[int(Touchpoint.MESSAGE)] = START + 5 * DAY  # is no trigger
    found = live_offer(MEI, Account(), view(30, latest=latest), book(), START + 6 * DAY)
    assert found == Live(30, START + 8 * DAY, [], 0, "welcome", Touchpoint.FOLLOW, START + DAY)


# whom a block is for ------------------------------------------------------------------------------

MET = OriginFacts(Touches.of({b"a": Touch(START, Touchpoint.LOGIN, seen=1)}))
CLASSES = {"tier": "gold", "lifecycle": "silent", "rfm": "", "tags": ("runner", "mum")}
WXMP, BRAND = frozenset({"wxmp"}), frozenset({"brand"})


def who(**classes: str) -> Who:
    return tuple(Test(name, frozenset(values.split())) for name, values in classes.items())


@pytest.mark.parametrize(
    ("asks", "fits"),
    [
        ({}, True),
        ({"audience": Audience(apps=frozenset({"wxoa", "wxmp"}))}, True),
        ({"audience": Audience(apps=frozenset({"wxoa"}))}, False),
        ({"audience": Audience(open_accounts=BRAND)}, True),
        ({"audience": Audience(open_accounts=frozenset({"fit"}))}, False),
        ({"audience": Audience(apps=WXMP, open_accounts=frozenset({"fit"}))}, False),
        ({"who": who(tier="silver gold")}, True),
        ({"who": who(tier="go")}, False),
        ({"who": who(tags="mum single")}, True),
        ({"who": who(tags="mum", lifecycle="new")}, False),
        ({"who": who(tags="mum"), "audience": Audience(apps=WXMP)}, True),
        ({"who": who(tags="mum"), "audience": Audience(apps=frozenset({"wxoa"}))}, False),
    ],
)
def test_all_that_a_block_asks_for_must_fit(asks: dict[str, Any], fits: bool) -> None:
    account = Account({ORIGIN: MET, "": OriginFacts()})
    assert is_for(block("x", **asks), MEI, account, view(30, classes=CLASSES)) is fits


def test_an_app_is_one_where_the_consumer_was_met() -> None:
    """An origin without a touch may be there or not, by the order in which binds came."""
    met, of = block("x", audience=Audience(apps=WXMP)), view(30)
    assert not is_for(met, MEI, Account({ORIGIN: OriginFacts()}), of)
    assert is_for(met, MEI, Account({ORIGIN: OriginFacts(archived=ArchivedTotals())}), of)
    known = block("x", audience=Audience(open_accounts=BRAND))
    assert not is_for(known, ORIGIN, Account({ORIGIN: MET}), of)


# several blocks -----------------------------------------------------------------------------------


def block(id_: str, **changes: Any) -> OfferBlock:
    return replace(POLICY, id=id_, **changes)


SHORT = block("checkout", triggers=frozenset({Touchpoint.ADD_TO_CART}), lifetime_ms=HOUR)
GOLD = block("gold", who=who(tier="gold"), threshold_points=10)
SILENT = block("silent", triggers=frozenset(), silent_days=90)
ALL = RuleBook((replace(FIRST, offers=(SHORT, GOLD, SILENT, POLICY)),))
CART = {int(Touchpoint.LOGIN): START, int(Touchpoint.ADD_TO_CART): START + HOUR}


@pytest.mark.parametrize(
    ("of", "at", "expected"),
    [
        (view(30, latest=CART), START + HOUR, "checkout"),
        (view(30, latest=CART), START + 2 * HOUR, "welcome"),
        (view(30, latest=CART, classes=CLASSES), START + 2 * HOUR, "gold"),
        (view(10, latest=CART, classes=CLASSES), START + HOUR, "gold"),
        (view(30, silent={90: START + DAY}), START + DAY, "silent"),
        (view(30, silent={90: START + DAY}), START + 8 * DAY, "lapsed"),
        (view(30, silent={9: START + DAY}), START + DAY, "welcome"),
        (view(20, latest=CART), START + HOUR, "below_threshold"),
        (view(20, latest=CART, classes=CLASSES), START + 9 * DAY, "lapsed"),
    ],
)
def test_the_first_block_that_makes_an_offer_holds(of: AccountView, at: int, expected: str) -> None:
    found = live_offer(MEI, Account(), of, ALL, at)
    assert (found.block if isinstance(found, Live) else found) == expected


def test_no_block_for_a_consumer_is_a_reason_of_its_own() -> None:
    only_gold = RuleBook((replace(FIRST, offers=(GOLD,)),))
    assert live_offer(MEI, Account(), view(30), only_gold, START) == "audience"


AT = START + HOUR
LAST = LastOffer("o", 1, 30, ["gift"], START + 7 * DAY, START, True, block="welcome")
TRUE = Live(30, START + 7 * DAY, ["gift"], 0, "welcome")
OTHER = Live(30, AT + HOUR, ["gift", "bag"], 0, "checkout")


@pytest.mark.parametrize(
    ("now", "held", "must", "may"),
    [
        (TRUE, TRUE, False, False),
        (replace_ := Live(40, TRUE.valid_until, ["gift"], 0, "welcome"), replace_, False, True),
        (fewer := Live(29, TRUE.valid_until, ["gift"], 0, "welcome"), fewer, True, True),
        (sooner := Live(30, AT + DAY, ["gift"], 0, "welcome"), sooner, True, False),
        (OTHER, TRUE, False, True),  # what was announced stands, and another block came first
        (OTHER, "lapsed", True, True),
        (OTHER, Live(30, AT + DAY, ["gift"], 0, "welcome"), True, True),
        (Live(30, AT + DAY, ["bag"], 0, "checkout"), TRUE, True, True),  # no gift any more
        (Live(30, AT + DAY, ["gift"], 9, "checkout"), TRUE, True, True),
    ],
)
def test_what_was_announced_must_not_promise_too_much(
    now: Live, held: Live | str, must: bool, may: bool
) -> None:
    assert (outdated(LAST, now, held, AT), differs(LAST, now)) == (must, may)


def test_the_announced_block_is_looked_at_by_itself() -> None:
    of, rules = view(30, latest=CART), ALL.versions[0]
    found = live_offer(MEI, Account(), of, ALL, AT)
    assert isinstance(found, Live)
    held = held_offer(LAST, found, MEI, Account(), of, rules, AT)
    assert held == live(30, [])
    gone = LastOffer("o", 1, 30, [], START, START, True, block="of-another-version")
    assert held_offer(gone, found, MEI, Account(), of, rules, AT) == "rules"
    mine = LastOffer("o", 1, 30, [], START, START, True, block="checkout")
    assert held_offer(mine, found, MEI, Account(), of, rules, AT) is found
