# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import orjson

from schemas.exports import RulePoints, ShadowAccount
from stream.commands.explain import lines
from stream.engine.audit.explain import explain
from stream.engine.model.ruleset import Campaign, Caps, ControlGroup, EarningRule, RuleBook, Step
from stream.engine.model.state import Account, Origin
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.storage.codec import load_entity
from tests.scenarios.brand import SPEND, rules
from tests.scenarios.story import play
from tests.support.world import World

MEI, MEI_MP = "union.brand.uMei", "origin.wxmp.Mei"


def explained(story: str, book: RuleBook | None = None, key: str = MEI) -> dict[str, Any]:
    world = play(story, book)
    return of(world, key)


def of(world: World, key: str) -> dict[str, Any]:
    entities = {name: load_entity(name, value) for name, value in world.entities.items()}
    entity = entities[key]
    assert isinstance(entity, Account | Origin)
    origins = {name: e for name, e in entities.items() if isinstance(e, Origin)}
    answer = explain(key, entity, world.book, world.clock, origins)
    assert orjson.loads(orjson.dumps(answer)) == answer  # JSON has all of it
    return answer


def rule(name: str, points: int, version: int = 1) -> dict[str, Any]:
    return {"rule": name, "ruleset_version": version, "points": points}


def test_who_it_is_and_how_that_is_known() -> None:
    answer = explained("""
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-02 09:00  Mei@oa follows
        given 2026-03-01 08:00  Mei@mp logs in as Li  [arrives 2026-03-03 08:00]
        given 2026-03-04 08:00  Mei@mp is not Li
    """)

    assert answer["consumer_id"] == MEI
    assert answer["as_of"] == "2026-03-04T08:00:00.000+08:00"
    (origin,) = answer["origins"]
    assert (origin["appid"], origin["openid"]) == ("wxmp", "Mei")
    assert (origin["bound_to"], origin["generation"]) == (MEI, 3)
    assert [(e["consumer_id"], e["time"][:10], e["vetoed"]) for e in origin["evidence"]] == [
        ("union.brand.uLi", "2026-03-01", True),
        (MEI, "2026-03-02", False),
    ]


def test_what_a_campaign_with_caps_adds_is_told_apart() -> None:
    weeks = Campaign("weeks", 0, None, Fraction(3), caps=Caps(day=15))
    answer = explained(
        """
        given 2026-03-02 08:00  Mei@mp checks in with k1
        given 2026-03-02 08:10  Mei@mp checks in with k2
        """,
        rules(campaigns=(weeks,)),
        MEI_MP,
    )
    added = {"rule": "visit", "campaign": "weeks", "ruleset_version": 1}
    account = answer["account"]
    assert account["touches"][0]["before_caps"] == [rule("visit", 10), {**added, "points": 20}]
    assert account["granted"] == [{**added, "points": 15}, rule("visit", 20)]
    assert RulePoints.model_validate(account["granted"][0]).campaign == "weeks"
    assert any("visit*weeks@1 15" in line for line in lines(answer))


def test_each_touch_with_its_points_before_caps_and_the_points_after() -> None:
    visit = EarningRule("visit", Touchpoint.CHECK_IN, points=10, caps=Caps(day=15))
    account = explained(
        """
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-02 08:10  Mei checks in with k1
        given 2026-03-02 08:20  Mei checks in with k2
        given 2026-03-02 08:30  Mei@mp pays 30.00 for t1
        given 2026-03-02 08:40  t1 is refunded 10.00 by r1
        given 2026-03-02 08:50  Mei@mp pays 5.00 for t2
        given 2026-03-02 09:00  t2 is refunded 5.00 by r2
        """,
        rules(visit, expiry_days=10),
    )["account"]

    assert [
        (t["time"][11:16], t["touchpoint"], t["outcome"], t["by"], t["before_caps"])
        for t in account["touches"]
    ] == [
        ("08:00", "login", "applied", [MEI_MP], [rule("welcome", 5)]),
        ("08:10", "check_in", "applied", [], [rule("visit", 10)]),
        ("08:20", "check_in", "applied", [], [rule("visit", 10)]),
        ("08:30", "purchase", "applied", [MEI_MP], [rule("spend", 20)]),
        ("08:50", "purchase", "void", [MEI_MP], []),
    ]
    assert [t["paid_fen"] for t in account["touches"]] == [None, None, None, 2_000, 0]
    assert account["granted"] == [rule("spend", 20), rule("visit", 15), rule("welcome", 5)]
    assert account["balance"] == 40
    assert account["expires"] == [{"day": "2026-03-13", "points": 40}]
    assert account["offer"]["points"] == 40
    assert account["last_offer"]["points"] == 40
    assert account["last_offer"]["offers"] == 1


def test_what_counts_with_other_days_has_no_points_alone_and_an_export_takes_it() -> None:
    third = EarningRule("third", Touchpoint.PURCHASE, 90, settings={"every_fen": 6000})
    steps = Step(Touchpoint.PURCHASE), Step(Touchpoint.LOGIN)
    both = EarningRule("both", None, 7, steps=steps)
    account = explained(
        """
        given 2026-03-01 08:00  Mei@mp has a lunar birthday on 8-15
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-02 08:30  Mei@mp pays 30.00 for t1
        """,
        rules(third, both),
    )["account"]

    assert [(t["touchpoint"], t["before_caps"], t["counts_for"]) for t in account["touches"]] == [
        ("login", [rule("welcome", 5)], ["both"]),
        ("purchase", [rule("spend", 30)], ["both", "third"]),
    ]
    assert rule("both", 7) in account["granted"]
    (birthday,) = account["birthdays"]
    assert (birthday["month"], birthday["day"], birthday["calendar"]) == (8, 15, "lunar")
    fields = {name: account[name] for name in ShadowAccount.model_fields}
    flat: dict[str, Any] = {
        "before_horizon": [],
        "records": [],
    }  # lists in an export, mappings here
    assert ShadowAccount.model_validate_json(orjson.dumps(fields | flat)).balance == 42


def test_expiry_by_day() -> None:
    account = explained(
        """
        given 2026-03-01 08:00  Mei@mp logs in as Mei
        given 2026-03-03 08:10  Mei checks in with k1
        given 2026-03-04 08:10  Mei checks in with k2
        given 2026-03-12 12:00  Mei@mp shares /menu
        """,
        rules(expiry_days=10),
    )["account"]

    assert account["expired"] == [rule("welcome", 5)]
    expires = {"2026-03-14": 10, "2026-03-15": 10}
    assert account["expires"] == [{"day": d, "points": n} for d, n in expires.items()]


def test_a_member_and_what_was_paid() -> None:
    answer = explained("""
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-02 08:10  Mei@mp pays 30.00 for t1
        given 2026-03-03 08:00  Mei enrols as M1
        given 2026-03-04 08:00  Mei enrols as M2
        given 2026-03-05 08:00  Mei@mp pays 10.00 for t2
    """)
    account = answer["account"]

    assert account["payouts"] == [{"member_id": "M1", "points": 35}]
    found = [(e["member_id"], e["counts"]) for e in account["enrolments"]]
    assert found == [("M1", True), ("M2", False)]
    assert account["touches"][-1]["outcome"] == "member"
    assert account["offer"] == {"live": False, "reason": "member"}
    assert account["balance"] == 0
    text = "\n".join(lines(answer))
    assert "paid out to M1: 35" in text
    assert "enrolled as M2 2026-03-04T08:00:00.000+08:00, does not count" in text
    assert "purchase, 10.00 yuan (member): spend@1 10" in text
    assert "no live offer: member" in text


def test_what_waits_and_when_it_is_paid() -> None:
    waits = replace(SPEND, pending_days=2)
    story = """
        given 2026-03-02 08:10  Mei@mp pays 30.00 for t1
        given 2026-03-03 08:10  Mei@mp pays 1000.00 for t2
        given 2026-03-04 08:00  Mei@mp enrols as M1
    """
    answer = of(play(story, rules(waits)), MEI_MP)
    account = answer["account"]
    pending = {"2026-03-05": 30, "2026-03-06": 1000}
    assert account["pending"] == [{"day": d, "points": n} for d, n in pending.items()]
    assert (account["balance"], account["payouts"]) == (1030, [{"member_id": "M1", "points": 0}])
    text = "\n".join(lines(answer))
    assert "1,000 points may be given back; a member is paid them on 2026-03-06" in text


def test_why_there_is_no_offer() -> None:
    story = """
        given 2026-03-02 08:00  Mei@mp logs in as Mei
    """
    assert explained(story)["account"]["offer"] == {"live": False, "reason": "below_threshold"}
    everybody = ControlGroup("spring", 100)
    control = explained(story, rules(control_group=everybody))["account"]
    said = {"experiment": "spring", "group": "control"}
    assert control["offer"] == {"live": False, "reason": "control_group"} | said
    assert control["last_offer"] is None


def test_an_origin_with_an_account_of_its_own_and_one_without() -> None:
    world = play("""
        given 2026-03-02 08:00  Mei@mp pays 30.00 for t1
        given 2026-03-02 08:00  Mei@oa follows
        given 2026-03-02 09:00  Mei@oa checks in with k1
        given 2026-03-02 10:00  Mei@mp logs in as Mei
    """)
    bound, alone = of(world, MEI_MP), of(world, "origin.wxoa.Mei")
    assert bound["account"] is None
    assert bound["origins"][0]["bound_to"] == MEI
    assert list(lines(bound))[1] == f"  origin wxmp Mei: {MEI}"
    assert alone["origins"][0]["bound_to"] is None
    assert alone["account"]["balance"] == 10


def test_the_text_has_every_number() -> None:
    answer = explained(
        """
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-02 08:10  Mei@mp pays 1200.00 for t1
        """,
        rules(expiry_days=10),
    )
    text = list(lines(answer))
    assert text[0] == f"{MEI} at 2026-03-02T08:10:00.000+08:00"
    assert "balance: 1,205" in text
    assert "  2026-03-02T08:10:00.000+08:00 purchase, 1,200.00 yuan: spend@1 1,200" in text
    assert "1,205 points expire on 2026-03-13" in text
    assert "live offer: 1,205 points until 2026-03-09T08:00:00.000+08:00" in text
