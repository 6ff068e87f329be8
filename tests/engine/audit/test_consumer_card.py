# SPDX-License-Identifier: Apache-2.0
"""What a till is told of a consumer: of stories of the brand, under changed rules."""

from __future__ import annotations

from typing import Any

import msgspec

from stream.engine.audit.consumer_card import ConsumerState, card_of
from stream.engine.model.classes import ClassPolicy, Level, Tiers
from stream.engine.model.ruleset import ControlGroup, EarningRule, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import offers, rules
from tests.scenarios.notation import at
from tests.scenarios.story import by

MEI = "union.brand.uMei"
MET = "given 2026-03-02 08:00 Mei@mp logs in as Mei\n"
PAID = MET + "given 2026-03-02 09:00 Mei@mp pays 55.00 for t1\n"


def card(story: str, book: RuleBook, as_of: str = "2026-03-02 10:00") -> dict[str, Any]:
    account = by(book)(story).accounts().get(MEI)
    found: dict[str, Any] = msgspec.to_builtins(card_of(MEI, account, book, at(as_of), 40))
    return found


def test_the_offer_says_what_is_reached_and_what_is_next() -> None:
    found = card(PAID, rules())
    assert (found["state"], found["points"], found["age_ms"]) == (ConsumerState.OFFER, 60, 40)
    assert [b["id"] for b in found["offer"]["benefits"]] == ["coffee"]
    assert (found["next_benefit"]["id"], found["next_benefit"]["missing_points"]) == ("gift", 40)
    assert found["channels"][0]["appid"] == "wxmp"
    assert "openid" not in found["channels"][0]


def test_an_offer_that_lapsed_leaves_the_points() -> None:
    found = card(PAID, rules(), "2026-03-09 08:00")
    assert (found["state"], found["reason"], found["points"]) == ("no_offer", "lapsed", 60)
    assert "missing_points" not in found


def test_the_nearest_offer_says_what_is_missing() -> None:
    found = card(MET, offers(threshold_points=30))
    assert (found["reason"], found["points"], found["missing_points"]) == ("below_threshold", 5, 25)


def test_of_the_control_group_nothing_is_told() -> None:
    everybody = ControlGroup("spring", 100)
    book = rules(control_group=everybody)
    assert card(PAID, book).keys() == {"consumer_id", "state", "as_of", "age_ms", "reason"}


def test_who_never_was_and_who_was_forgotten_are_unknown() -> None:
    stranger = "given 2026-03-02 08:00 Li@mp logs in"
    forgotten = PAID + "given 2026-03-02 09:30 Mei@mp asks to be forgotten"
    for story in (stranger, forgotten):
        assert card(story, rules())["state"] == "unknown"


def test_a_member_is_the_crms() -> None:
    found = card(PAID + "given 2026-03-02 09:30 Mei@mp enrols as m1", rules())
    assert found.keys() == {"consumer_id", "state", "as_of", "age_ms"}
    assert found["state"] == "member"


def test_tier_and_progress_come_with_the_numbers() -> None:
    tiers = ClassPolicy(Tiers((Level("bronze", 5_000), Level("gold", 20_000))))
    third = EarningRule("third", Touchpoint.PURCHASE, 30, settings={"nth": 3})
    found = card(PAID, rules(third, classes=tiers))
    assert found["tier"] == {"level": "bronze", "next": "gold", "missing_fen": 14_500}
    assert found["progress"] == [{"rule": "third", "done": 1, "of": 3}]
