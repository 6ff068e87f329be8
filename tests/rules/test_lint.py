# SPDX-License-Identifier: Apache-2.0
"""Whatever is probably a mistake is a warning at its place; what is meant is none."""

from __future__ import annotations

import pytest

from stream.engine.model.ruleset import Caps, EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.rules.known_apps import KnownApps
from stream.rules.loader import check_rules, judge_rules
from stream.rules.reach import most_at_once
from stream.yaml_config.problems import Problem
from tests.snapshots import place_of_one

APPS = KnownApps(
    {"wxoa": "official_account", "wxmp": "mini_program"}, open_accounts=frozenset({"brand"})
)
BASE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    expiry_days: 99
    earn:
      - {id: till, touchpoint: purchase, points_per_yuan: 10, caps: {day: 50}, when: {}}
      - {id: upload, touchpoint: upload, points: 5, caps: {month: 100}}
      - {id: first, touchpoint: scan, points: 200, first_time: true}
    campaigns:
      - {id: spring, from: 2026-03-01, to: 2026-03-31, multiplier: 2}
    offers:
      - id: all
        threshold_points: 1000
        triggers: [follow, unfollow]
        lifetime: {days: 1}
        cooldown_hours: 24
        benefits: [{id: b, from_points: 1000, text: {zh-CN: 礼品, en: gift}}]
        text: {zh-CN: "{points}", en: "{points} {benefits}"}
        short_text: {zh-CN: "{points}", en: "{points}"}
    control_group: {experiment: x, percent: 99}
    invitation:
      to: threshold
      triggers: [check_in]
      lifetime: {days: 1}
      text: {zh-CN: 请同意, en: Agree}
      short_text: {zh-CN: 请同意, en: Agree}
  - version: 2
    effective: 2026-07-01
    consent: opt_in
    earn:
      - {id: till, touchpoint: purchase, points_per_yuan: 12, caps: {day: 50}}
      - {id: upload, touchpoint: upload, points: 5, caps: {month: 100}}
      - {id: first, touchpoint: scan, points: 200, first_time: true}
"""
LAST = BASE[BASE.index("  - version: 2") :]
OFFERS = BASE[BASE.index("    offers:") : BASE.index("    control_group:")]
BLOCK = OFFERS.removeprefix("    offers:\n")
WHEN = "when: {}"
RULES = BASE[BASE.index("    earn:") : BASE.index("    campaigns:")]
UPLOAD = "touchpoint: upload, points: 5, caps: {month: 100}}\n      - {id: first"
#: 50 a day for 100 days, 100 a month in 5 months, 200 once.
MOST = 5_700

# name: (what is replaced, by what, the place of the one warning in "versions[n].")
CASES: dict[str, tuple[str, str, str]] = {
    # conditions
    "never true": (
        WHEN,
        "when: {total_fen: {gte: 10000, lt: 5000}}",
        "7:87 0].earn[0].when.total_fen",
    ),
    "no number between": (
        WHEN,
        "when: {total_fen: {gt: 5, lt: 6}}",
        "7:87 0].earn[0].when.total_fen",
    ),
    "the only number is refused": (
        WHEN,
        "when: {total_fen: {gte: 5, lte: 6, not_in: [5, 6]}}",
        "7:87 0].earn[0].when.total_fen",
    ),
    "below nothing": (WHEN, "when: {total_fen: {lt: 0}}", "7:87 0].earn[0].when.total_fen"),
    "in and not": (
        WHEN,
        "when: {attach: {in: [a, b], not_in: [b, a]}}",
        "7:87 0].earn[0].when.attach",
    ),
    "equal and other": (WHEN, "when: {attach: {eq: a, ne: a}}", "7:87 0].earn[0].when.attach"),
    "equal with another prefix": (
        WHEN,
        "when: {attach: {eq: a, prefix: b}}",
        "7:87 0].earn[0].when.attach",
    ),
    "lower case": (WHEN, "when: {trade_type: jsapi}", "7:99 0].earn[0].when.trade_type"),
    "no such word": (
        WHEN,
        "when: {trade_type: {in: [JSAPI, 扫码]}}",
        "7:112 0].earn[0].when.trade_type.in[1]",
    ),
    "no word begins so": (
        WHEN,
        "when: {trade_type: {prefix: js}}",
        "7:108 0].earn[0].when.trade_type.prefix",
    ),
    "of no contract": (
        "touchpoint: upload, points: 5",
        "touchpoint: message, when: {msg_type: 图片}, points: 5",
        "8:60 0].earn[1].when.msg_type",
    ),
    "an answer": (
        "touchpoint: upload, points: 5",
        "touchpoint: subscription, when: {answer: accepted}, points: 5",
        "8:63 0].earn[1].when.answer",
    ),
    "full-width letters": (
        WHEN,
        "when: {attach: {in: [x, 'kＦC']}}",
        "7:106 0].earn[0].when.attach.in[1]",
    ),
    "full-width comma": (WHEN, "when: {attach: 'a，b'}", "7:97 0].earn[0].when.attach"),
    "unknown app": (WHEN, "when: {appid: wxmq}", "7:94 0].earn[0].when.appid"),
    "no app begins so": (
        WHEN,
        "when: {appid: {prefix: my}}",
        "7:103 0].earn[0].when.appid.prefix",
    ),
    "in a step": (
        "touchpoint: upload, points: 5",
        "points: 5, steps: [{touchpoint: login}, {touchpoint: purchase, when: {trade_type: app}}]",
        "8:104 0].earn[1].steps[1].when.trade_type",
    ),
    "rewarded step": (
        RULES,
        "    allow_rewarding: [follow]\n"
        + RULES.replace("touchpoint: upload", "steps: [{touchpoint: login}, {touchpoint: follow}]"),
        "9:64 0].earn[1].steps[1].touchpoint",
    ),
    # from version to version
    "renamed": (
        LAST,
        LAST.replace("id: upload", "id: uploads"),
        "33:14 1].earn[1].id",
    ),
    "gone": (
        LAST,
        LAST.replace(
            "      - {id: upload, touchpoint: upload, points: 5, caps: {month: 100}}\n", ""
        ),
        "31:5 1].earn",
    ),
    # campaigns
    "campaign before its version": (
        "from: 2026-03-01, to: 2026-03-31",
        "from: 2025-03-01, to: 2025-03-31",
        "11:28 0].campaigns[0].from",
    ),
    "campaign after its version": (
        "from: 2026-03-01, to: 2026-03-31",
        "from: 2026-07-01, to: 2026-07-31",
        "11:28 0].campaigns[0].from",
    ),
    "campaign of a rule that is not multiplied": (
        "multiplier: 2}",
        "multiplier: 2, rules: [till, first]}",
        "11:85 0].campaigns[0].rules[1]",
    ),
    "campaign of no rule": (
        BASE[BASE.index("    expiry") :],
        "    earn: []\n    campaigns: [{id: x, from: 2026-03-01, to: 2026-03-31, multiplier: 2}]\n",
        "6:71 0].campaigns[0].multiplier",
    ),
    # offers
    "cool-down": ("cooldown_hours: 24", "cooldown_hours: 25", "17:25 0].offers[0].cooldown_hours"),
    "cool-down of minutes": (
        "lifetime: {days: 1}\n        cooldown_hours: 24",
        "lifetime: {minutes: 30}\n        cooldown_hours: 1",
        "17:25 0].offers[0].cooldown_hours",
    ),
    "nobody gets one": ("percent: 99", "percent: 100", "21:45 0].control_group.percent"),
    "out of reach": (
        "threshold_points: 1000",
        f"threshold_points: {MOST + 1}",
        "14:27 0].offers[0].threshold_points",
    ),
    "step out of reach": (
        "text: {zh-CN: 礼品, en: gift}}]",
        f"text: {{zh-CN: 礼, en: g}}}}, {{id: c, from_points: {MOST + 1}, "
        "text: {zh-CN: 礼, en: g}}]",
        "18:94 0].offers[0].benefits[1].from_points",
    ),
    "no benefit at the threshold": (
        "from_points: 1000",
        "from_points: 1001",
        "19:39 0].offers[0].text.en",
    ),
    "only unfollows": ("[follow, unfollow]", "[unfollow]", "15:19 0].offers[0].triggers"),
    "for an unknown app": (
        "- id: all",
        "- id: all\n        for: {apps: [wxmp, wxma]}",
        "14:28 0].offers[0].for.apps[1]",
    ),
    "for an unknown account": (
        "- id: all",
        "- id: all\n        for: {open_accounts: [brant]}",
        "14:31 0].offers[0].for.open_accounts[0]",
    ),
    "below a block for everybody": (
        "    control_group:",
        BLOCK.replace("id: all", "id: special\n        for: {apps: [wxmp]}") + "    control_group:",
        "21:13 0].offers[1].id",
    ),
    "invitation to nothing": (OFFERS, "", "14:11 0].invitation.to"),
    "invited by an unfollow": (
        "[check_in]",
        "[unfollow]",
        "24:17 0].invitation.triggers",
    ),
    # texts
    "curly quotes": ("en: gift", "en: “gift”", "18:69 0].offers[0].benefits[0].text.en"),
}


def warnings(text: str, apps: KnownApps | None = APPS) -> list[Problem]:
    return list(judge_rules(text, "f", apps).warnings)


def test_neither_the_base_of_these_cases_nor_the_shipped_rules_have_a_warning() -> None:
    assert warnings(BASE) == []
    assert warnings(BASE, None) == []
    assert check_rules().warnings == ()


@pytest.mark.parametrize("name", CASES)
def test_a_warning_is_given_at_its_place(name: str) -> None:
    old, new, expected = CASES[name]
    assert old in BASE
    place, _, where = expected.partition(" ")
    found = warnings(BASE.replace(old, new, 1))
    assert place_of_one("warnings", name, found) == f"f:{place}: versions[{where}"


@pytest.mark.parametrize(
    ("triggers", "kind", "keeps", "warned"),
    [
        ("[follow, scan]", "mini_program", False, True),
        ("[follow, scan]", "official_account", False, False),
        ("[follow, scan, purchase]", "mini_program", False, False),
        ("[message]", "mini_program", False, False),
        ("[login, follow]", "website", False, False),
        ("[login]", "payment", False, True),
        ("[unfollow]", "official_account", True, False),
    ],
)
def test_triggers_that_none_of_the_apps_has_are_warned_of(
    triggers: str, kind: str, keeps: bool, warned: bool
) -> None:
    apps = KnownApps({"wx": kind}, frozenset({"wx"} if keeps else ()))
    found = warnings(BASE.replace("[follow, unfollow]", triggers), apps)
    assert [str(p.where) for p in found] == ["versions[0].offers[0].triggers"] * warned


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("touchpoint: login, points: 5, nth: 3, caps: {week: 10}", 160),  # 100 days are in 16 weeks
        ("touchpoint: birthday, points: 5, caps: {lifetime: 70}", 70),
        ("touchpoint: login, points: 5, streak_days: 3", None),
        ("touchpoint: birthday, points: 5", None),
        ("steps: [{touchpoint: login}, {touchpoint: scan}], points: 5", None),
        ("touchpoint: login, points: 5", None),  # its group limits it, which is not asked
    ],
)
def test_what_nobody_reaches_is_known_from_the_caps_of_a_rule(rule: str, most: int | None) -> None:
    group = "    groups: [{id: g, rules: [a, first], caps: {lifetime: 1}}]\n"
    rules = BASE[BASE.index("      - {id: till") : BASE.index("      - {id: first")]
    text = BASE[: BASE.index(LAST)].replace(rules, f"      - {{id: a, {rule}}}\n")
    text = text.replace("    offers:", group + "    offers:")
    for points, seen in ((200 + (most or 10**8), False), (201 + (most or 10**8), most is not None)):
        found = warnings(text.replace("threshold_points: 1000", f"threshold_points: {points}"))
        expected = ["versions[0].offers[0].threshold_points"] * seen
        assert [str(p.where) for p in found if "threshold" in str(p.where)] == expected


def test_a_cap_that_only_one_version_has_limits_nothing() -> None:
    most = most_at_once(
        [
            (99, {"a": EarningRule("a", Touchpoint.LOGIN, points=5, caps=caps)})
            for caps in (Caps(lifetime=100), Caps(day=50))
        ]
    )
    assert most is None


@pytest.mark.parametrize(
    "change",
    [
        (", caps: {month: 100}", ""),
        ("    expiry_days: 99\n", ""),
        (", first_time: true", ""),
    ],
)
def test_nothing_is_out_of_reach_if_one_rule_has_no_limit(change: tuple[str, str]) -> None:
    text = BASE[: BASE.index(LAST)].replace("threshold_points: 1000", "threshold_points: 9000000")
    assert [str(p.where) for p in warnings(text)] == ["versions[0].offers[0].threshold_points"]
    assert warnings(text.replace(*change)) == []
