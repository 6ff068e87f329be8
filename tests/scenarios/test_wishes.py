# SPDX-License-Identifier: Apache-2.0
"""Each wish of docs/wishes.yaml comes true, and ``explain`` says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from stream.engine.audit.explain import explain
from stream.engine.model.ruleset import RuleBook
from stream.rules.loader import parse_rules
from tests.scenarios.notation import at
from tests.scenarios.story import by

FILE: Final = Path(__file__).parents[2] / "docs" / "wishes.yaml"
#: The file's apps -> those of the stories.
APPS: Final = {"wx1a2b3c4d5e6f7a02": "wxmp", "wx9f8e7d6c5b4a3b02": "wxgym"}
MEI: Final = "union.brand.uMei"
AGREED: Final = """
    given 2026-01-05 12:00  Mei@mp turns out to be Mei
    given 2026-01-05 12:00  Mei@mp grants consent
"""


def book() -> RuleBook:
    text = FILE.read_text("utf-8")
    for appid, short in APPS.items():
        text = text.replace(appid, short)
    return parse_rules(text, FILE.name)


def told(story: str, as_of: str = "") -> dict[str, Any]:
    """What ``explain`` says of Mei at the end of a story, or later."""
    world = by(book())(AGREED + story)
    entity = world.accounts()[MEI]
    answer = explain(MEI, entity, world.book, at(as_of) if as_of else world.clock)
    account: dict[str, Any] = answer["account"]
    return account


def granted(account: dict[str, Any]) -> dict[str, int]:
    return {
        "*".join(filter(None, (row["rule"], row.get("campaign")))): row["points"]
        for row in account["granted"]
    }


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("given 2026-05-20 12:00 Mei@mp pays 10.00 for t1", {"till_purchase": 200}),
        ("given 2026-08-16 12:00 Mei@mp pays 10.00 for t1", {"till_purchase": 400}),
        ("given 2026-03-28 12:00 Mei@mp pays 10.00 for t1", {"till_purchase": 200}),
        ("given 2026-03-26 07:00 Mei@mp pays 10.00 for t1", {"till_purchase": 150}),
        ("given 2026-05-01 19:00 Mei@mp pays 10.00 for t1", {"till_purchase": 200}),
        ("given 2026-05-01 12:00 Mei@mp pays 10.00 for t1", {"till_purchase": 100}),
        ("given 2026-03-26 12:00 Mei@mp pays 10.00 for t1", {"first_purchase": 200}),
        (
            "given 2026-03-24..2026-03-26 12:00 Mei@mp pays 10.00 for t*",
            {"till_purchase": 300, "third_purchase": 300},
        ),
        ("given 2026-03-24 12:00 Mei@mp pays 1100.00 for t1", {"five_hundred_yuan": 2000}),
        ("given 2026-03-24..2026-03-28 12:00 Mei@mp checks in with t*", {"five_days": 200}),
        (
            "given 2026-03-24 12:00 Mei@mp orders o1 for 30.00 with coffee, cake",
            {"two_categories": 100},
        ),
        (
            """
            given 2026-03-24 12:00 Mei@mp has a solar birthday on 03-25
            given 2026-03-26 12:00 time passes
            """,
            {"birthday_gift": 88},
        ),
        # breakfast for 30 yuan: 300 of the rule, of the 600 that the campaign would add 500
        (
            "given 2026-03-03 12:00 Mei@mp pays 30.00 for t1",
            {"till_purchase": 300, "till_purchase*breakfast_weeks": 500},
        ),
        # gold by then, so 1.5 times
        (
            """
            given 2026-03-24 12:00 Mei@mp pays 2000.00 for t1
            given 2026-03-25 12:00 Mei@mp pays 10.00 for t2
            """,
            {"till_purchase": 2000 + 150},
        ),
    ],
)
def test_points_are_granted_as_wished(story: str, expected: dict[str, int]) -> None:
    found = granted(told(story))
    assert {rule: found.get(rule) for rule in expected} == expected, found


def test_looking_around_has_one_cap_a_week() -> None:
    carts = "".join(
        f"given 2026-03-{23 + n % 7} {8 + n // 7:02}:00 Mei@mp puts p{n} in the cart\n"
        for n in range(40)
    )
    assert granted(told(carts)) == {"cart_add": 60}


def test_a_tier_says_what_is_missing_to_the_next() -> None:
    classes = told("given 2026-03-24 12:00 Mei@mp pays 620.00 for t1")["classes"]
    assert (classes["tier"], classes["next"], classes["missing_fen"]) == (
        "bronze", "gold", 138_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("story", "as_of", "block"),
    [
        # half an hour at the checkout, then what everybody has
        (
            """
            given 2026-03-24 12:00 Mei@mp pays 120.00 for t1
            given 2026-03-25 12:00 Mei@mp puts p1 in the cart
            """,
            "2026-03-25 12:29",
            "checkout",
        ),
        (
            """
            given 2026-03-24 12:00 Mei@mp pays 120.00 for t1
            given 2026-03-25 12:00 Mei@mp puts p1 in the cart
            """,
            "2026-03-25 12:31",
            "welcome",
        ),
        ("given 2026-03-24 12:00 Mei@mp pays 20.00 for t1", "2026-06-23 12:00", "come_back"),
    ],
)
def test_offers_are_for_whom_and_when_they_were_wished(story: str, as_of: str, block: str) -> None:
    offer = told(story, as_of)["offer"]
    assert (offer.get("block"), offer["live"]) == (block, True), offer


def test_a_cart_that_was_left_behind_is_a_nudge_and_one_that_was_bought_is_none() -> None:
    left = "given 2026-03-25 12:00 Mei@mp puts p1 in the cart\n"
    bought = left + "given 2026-03-25 12:10 Mei@mp orders o1 for 20.00\n"
    assert due(told(left, "2026-03-25 13:59")) == {"cart_left_behind": False}
    assert due(told(left, "2026-03-25 14:01")) == {"cart_left_behind": True}
    assert due(told(bought, "2026-03-25 14:01")) == {}


def due(account: dict[str, Any]) -> dict[str, bool]:
    """Each nudge that is due, or going to be."""
    return {nudge["nudge"]: nudge["due"] for nudge in account["nudges"]}
