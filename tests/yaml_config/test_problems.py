# SPDX-License-Identifier: Apache-2.0
"""Every kind of problem in a rule file is reported at its exact place."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.rules.loader import load_rules, parse_rules
from stream.yaml_config.problems import Problem, RulesInvalid
from stream.yaml_config.reader import FILE_BYTES_MAX
from tests.snapshots import place_of_one

BASE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    expiry_days: 365
    earn:
      - id: till
        touchpoint: purchase
        points_per_yuan: 10
        base: payer_total_fen
        rounding: down
        caps: {day: 500, month: 8000}
        when:
          trade_type: JSAPI
      - id: class
        touchpoint: check_in
        points: 100
        first_time: true
    campaigns:
      - id: double
        from: 2026-03-02
        to: 2026-03-15
        multiplier: 2
        rules: [till]
    offers:
      - id: welcome
        threshold_points: 1000
        triggers: [follow, purchase]
        lifetime: {days: 30}
        cooldown_hours: 72
        benefits:
          - id: coffee
            from_points: 1000
            text: {zh-CN: 咖啡, en: coffee}
          - id: gift
            from_points: 5000
            text: {zh-CN: 礼品, en: a gift}
        text:
          zh-CN: 领取 {points} 积分
          en: get {points} points
        short_text: {zh-CN: "{points}积分", en: "{points} pts"}
    control_group: {experiment: spring_2026, percent: 5}
    reasons:
      zh-CN: {purchase: "{count} 次消费"}
      en: {purchase: "purchases: {count}"}
"""
REASONS = BASE[BASE.index("    reasons:") :]
SHORT = BASE[BASE.index("        short_text:") : BASE.index("    reasons:")]
SECOND = """\
  - version: 2
    effective: 2026-07-01
    consent: opt_out
    earn: []
"""
INVITATION = """\
    invitation:
      to: everybody
      triggers: [scan]
      lifetime: {days: 7}
      text: {zh-CN: '同意？', en: 'Agree?'}
      short_text: {zh-CN: 看看, en: 'See it'}
"""


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text, "f")
    return list(caught.value.problems)


def test_the_base_of_these_cases_is_valid() -> None:
    assert len(parse_rules(BASE + SECOND, "f").versions) == 2


# what several cases replace
JSAPI = "trade_type: JSAPI"
RATE = "points_per_yuan: 10"
POINTS = "        points: 100\n"
BASIS = "        base"
FIRST_TIME = "        first_time: true"
TEXT = "get {points} points"
CHECK_IN = "touchpoint: check_in"
TRIGGERS = "[follow, purchase]"
REASON = 'en: {purchase: "purchases: {count}"}'

# name: (what is replaced, by what, the place of the one problem; "." begins in "versions[0].")
CASES: dict[str, tuple[str, str, str]] = {
    # YAML
    "tab": ("    consent", "\tconsent", "4:1 file"),
    "unclosed bracket": ("[till]", "[till", "25:11 file"),
    "second document": ("    consent", "---\n    consent", "4:1 file"),
    "alias": ("[till]", "*x", "24:16 file"),
    "anchor": ("[till]", "&x [till]", "24:16 file"),
    "deep": ("[till]", "[" * 30 + "]" * 30, "24:27 file"),
    "control character": ("opt_in", "opt\x07in", "4:17 file"),
    "tag": ("[till]", "!!set {}", "24:16 .campaigns[0].rules"),
    "list as name": ("rules: [till]", "[a]: b", "24:9 .campaigns[0].?4"),
    "duplicate name": (
        "    consent: opt_in\n",
        "    consent: opt_in\n    consent: opt_out\n",
        "5:5 .consent",
    ),
    "no value": ("day: 500", "day:", "12:16 .earn[0].caps.day"),
    "hexadecimal": ("365", "0x1F", "5:18 .expiry_days"),
    "octal": ("365", "010", "5:18 .expiry_days"),
    "sexagesimal": ("365", "1:30", "5:18 .expiry_days"),
    "infinity": ("365", ".inf", "5:18 .expiry_days"),
    "unshowable": ("coffee}", '"\\0"}', "34:35 .offers[0].benefits[0].text.en"),
    # the kinds of values
    "unknown setting": ("    expiry_days", "    expiry_day", "5:5 .expiry_day"),
    "unknown setting in caps": ("day: 500", "year: 500", "12:16 .earn[0].caps.year"),
    "missing": ("    consent: opt_in\n", "", "2:5 .consent"),
    "missing in offers": ("        lifetime: {days: 30}\n", "", "26:9 .offers[0].lifetime"),
    "number as text": ("365", "'365'", "5:18 .expiry_days"),
    "fraction": ("365", "36.5", "5:18 .expiry_days"),
    "bool as number": ("365", "yes", "5:18 .expiry_days"),
    "too small": ("365", "0", "5:18 .expiry_days"),
    "too large": ("365", "99999", "5:18 .expiry_days"),
    "text as bool": ("first_time: true", "first_time: 'true'", "18:21 .earn[1].first_time"),
    "no list": ("[till]", "till", "24:16 .campaigns[0].rules"),
    "no mapping": ("{day: 500, month: 8000}", "500", "12:15 .earn[0].caps"),
    "number as language": ("en: coffee", "en: 5", "34:35 .offers[0].benefits[0].text.en"),
    "consent": ("opt_in", "maybe", "4:14 .consent"),
    "rounding": ("down", "near", "11:19 .earn[0].rounding"),
    "unknown base": ("base: payer_total_fen", "base: fen", "10:15 .earn[0].base"),
    "date": ("2026-01-01", "01.02.2026", "3:16 .effective"),
    "date with slashes": ("2026-01-01", "2026/01/1", "3:16 .effective"),
    "date in Chinese": ("2026-01-01", "2026年1月1日", "3:16 .effective"),
    "date without hyphens": ("2026-01-01", "20260101", "3:16 .effective"),
    "time in Chinese": ("2026-03-02", "2026年3月2日 8点30分", "21:15 .campaigns[0].from"),
    "no such day with slashes": ("2026-01-01", "2026/02/29", "3:16 .effective"),
    "no such day": ("2026-01-01", "2026-02-29", "3:16 .effective"),
    "year": ("2026-01-01", "1926-01-01", "3:16 .effective"),
    "time without minutes": ("2026-01-01", "2026-01-01T08", "3:16 .effective"),
    "campaign time": ("2026-03-02", "2026-03-02T8", "21:15 .campaigns[0].from"),
    "no such zone": ("2026-03-02", "2026-03-02T08:00+99:00", "21:15 .campaigns[0].from"),
    # rules
    "no versions": (BASE, "versions: []", "1:11 versions"),
    "rule id": ("id: class", "id: Class", "15:13 .earn[1].id"),
    "long rule id": ("id: class", "id: " + "x" * 33, "15:13 .earn[1].id"),
    "unknown touchpoint": (CHECK_IN, "touchpoint: checkin", "16:21 .earn[1].touchpoint"),
    "points": ("points: 100\n", "points: 0\n", "17:17 .earn[1].points"),
    "rate of zero": (RATE, "points_per_yuan: 0.0", "9:26 .earn[0].points_per_yuan"),
    "rate in words": (RATE, "points_per_yuan: ten", "9:26 .earn[0].points_per_yuan"),
    "neither points nor rate": (POINTS, "", "15:9 .earn[1]"),
    "points and rate": (BASIS, "        points: 5\n        base", "9:9 .earn[0].points_per_yuan"),
    "first time, caps": (
        FIRST_TIME,
        "        first_time: true\n        caps: {day: 50}",
        "19:9 .earn[1].caps",
    ),
    "rate, first time": (
        BASIS,
        "        first_time: true\n        base",
        "9:9 .earn[0].points_per_yuan",
    ),
    "rounding without rate": (FIRST_TIME, "        rounding: up", "18:9 .earn[1].rounding"),
    "rate without money": (
        "        points: 100\n        first_time: true\n",
        "        points_per_yuan: 1\n",
        "17:9 .earn[1].points_per_yuan",
    ),
    "base of an order": (
        "earn: []",
        "earn: [{id: a, touchpoint: order, points_per_yuan: 1, base: payer_total_fen}]",
        "49:65 versions[1].earn[0].base",
    ),
    "caps fall": ("month: 8000", "month: 80", "12:33 .earn[0].caps.month"),
    "caps fall past a gap": ("month: 8000", "lifetime: 80", "12:36 .earn[0].caps.lifetime"),
    "same rule id": ("id: class", "id: till", "15:13 .earn[1].id"),
    "pending until expired": (
        POINTS,
        POINTS + "        pending_days: 365\n",
        "18:23 .earn[1].pending_days",
    ),
    "pending for too long": (
        POINTS,
        POINTS + "        pending_days: 367\n",
        "18:23 .earn[1].pending_days",
    ),
    "pending for no day": (
        POINTS,
        POINTS + "        pending_days: 0\n",
        "18:23 .earn[1].pending_days",
    ),
    "pending as text": (
        POINTS,
        POINTS + "        pending_days: '14'\n",
        "18:23 .earn[1].pending_days",
    ),
    "follow earns": (CHECK_IN, "touchpoint: follow", "16:21 .earn[1].touchpoint"),
    "share earns": (CHECK_IN, "touchpoint: share", "16:21 .earn[1].touchpoint"),
    "needless permission": (
        "    expiry_days: 365",
        "    allow_rewarding: [purchase]",
        "5:23 .allow_rewarding[0]",
    ),
    # conditions
    "unknown field": (JSAPI, "tradetype: JSAPI", "14:11 .earn[0].when.tradetype"),
    "unknown comparison": (JSAPI, "trade_type: {is: JSAPI}", "14:24 .earn[0].when.trade_type.is"),
    "no comparison": (JSAPI, "trade_type: {}", "14:23 .earn[0].when.trade_type"),
    "number for text": (JSAPI, "trade_type: 7", "14:23 .earn[0].when.trade_type"),
    "text for number": (JSAPI, "total_fen: {gte: 'much'}", "14:28 .earn[0].when.total_fen.gte"),
    "bool for number": (JSAPI, "total_fen: true", "14:22 .earn[0].when.total_fen"),
    "fraction in a condition": (
        JSAPI,
        "total_fen: {gte: 1.5}",
        "14:28 .earn[0].when.total_fen.gte",
    ),
    "order of texts": (JSAPI, "trade_type: {lt: a}", "14:28 .earn[0].when.trade_type.lt"),
    "prefix of a number": (JSAPI, "total_fen: {prefix: 1}", "14:31 .earn[0].when.total_fen.prefix"),
    "in without list": (JSAPI, "trade_type: {in: JSAPI}", "14:28 .earn[0].when.trade_type.in"),
    "list without in": (JSAPI, "trade_type: [JSAPI]", "14:23 .earn[0].when.trade_type"),
    "empty in": (JSAPI, "trade_type: {in: []}", "14:28 .earn[0].when.trade_type.in"),
    "long operand": (JSAPI, "trade_type: " + "x" * 1025, "14:23 .earn[0].when.trade_type"),
    # campaigns
    "campaign of unknown rule": ("[till]", "[till, clas]", "24:23 .campaigns[0].rules[1]"),
    "campaign ends first": ("to: 2026-03-15", "to: 2026-03-01", "22:13 .campaigns[0].to"),
    "multiplier": ("multiplier: 2", "multiplier: 100.5", "23:21 .campaigns[0].multiplier"),
    "caps of what a campaign takes": (
        "multiplier: 2",
        "multiplier: 0.5\n        caps: {day: 5}",
        "23:21 .campaigns[0].multiplier",
    ),
    "budget of what a campaign takes": (
        "multiplier: 2",
        "multiplier: 1\n        budget: 5",
        "23:21 .campaigns[0].multiplier",
    ),
    "budget of nothing": (
        "multiplier: 2",
        "multiplier: 2\n        budget: 0",
        "24:17 .campaigns[0].budget",
    ),
    "caps of a campaign fall": (
        "multiplier: 2",
        "multiplier: 2\n        caps: {day: 5, month: 4}",
        "24:31 .campaigns[0].caps.month",
    ),
    "same campaign id": (
        "    offers:",
        "      - {id: double, from: 2026-04-01, to: 2026-04-01, multiplier: 3}\n    offers:",
        "25:14 .campaigns[1].id",
    ),
    # offers
    "same benefit id": ("id: gift", "id: coffee", "35:17 .offers[0].benefits[1].id"),
    "steps fall": (
        "from_points: 5000",
        "from_points: 500",
        "36:26 .offers[0].benefits[1].from_points",
    ),
    "same trigger": (TRIGGERS, "[follow, purchase, follow]", "28:38 .offers[0].triggers[2]"),
    "unknown trigger": (TRIGGERS, "[follow, paid]", "28:28 .offers[0].triggers[1]"),
    "text without points": (TEXT, "get points", "40:15 .offers[0].text.en"),
    "unknown placeholder": (TEXT, "get {points} points, {name}", "40:15 .offers[0].text.en"),
    "lone brace": (TEXT, "get {points} points }", "40:15 .offers[0].text.en"),
    "attribute in a placeholder": (TEXT, "get {points} {points.real}", "40:15 .offers[0].text.en"),
    "placeholder in a benefit": (
        "en: coffee",
        "en: 'coffee {points}'",
        "34:35 .offers[0].benefits[0].text.en",
    ),
    "blank text": ("en: coffee", "en: ' '", "34:35 .offers[0].benefits[0].text.en"),
    "long text": ("en: coffee", "en: " + "x" * 501, "34:35 .offers[0].benefits[0].text.en"),
    "offer which becomes too long": (
        "en: get {points} points\n" + SHORT + REASONS,
        "en: get {points} {reasons} {reasons} {reasons} {reasons}\n"
        + SHORT
        + REASONS.replace("purchases:", "x" * 490),
        "40:15 .offers[0].text.en",
    ),
    "missing language": ("          en: get {points} points\n", "", "38:9 .offers[0].text.en"),
    "unknown language": (
        "zh-CN: 咖啡",
        "zh-CN: 咖啡, fr: café",
        "34:31 .offers[0].benefits[0].text.fr",
    ),
    "reason of no touchpoint": (
        REASON,
        'en: {purchase: "purchases: {count}", purchases: x}',
        "45:44 .reasons.en.purchases",
    ),
    "placeholder in a reason": (
        "purchases: {count}",
        "purchases: {points}",
        "45:22 .reasons.en.purchase",
    ),
    "reason in one language": (
        REASON,
        'en: {purchase: "purchases: {count}", scan: "scans: {count}"}',
        "45:44 .reasons.en.scan",
    ),
    "control group": ("percent: 5", "percent: 101", "42:55 .control_group.percent"),
    "experiment without a name": (
        "experiment: spring_2026, ",
        "",
        "42:5 .control_group.experiment",
    ),
    "same block id": (
        "    control_group",
        "      - {id: welcome, threshold_points: 1, triggers: [scan], lifetime: {days: 1},\n"
        "         cooldown_hours: 0, text: {zh-CN: '{points}', en: '{points}'},\n"
        "         short_text: {zh-CN: '{points}', en: '{points}'}}\n    control_group",
        "42:14 .offers[1].id",
    ),
    "no trigger": ("        triggers: [follow, purchase]\n", "", "26:9 .offers[0]"),
    "lifetime of nothing": ("{days: 30}", "{}", "29:19 .offers[0].lifetime"),
    "lifetime in two units": ("{days: 30}", "{days: 1, hours: 1}", "29:19 .offers[0].lifetime"),
    "lifetime too short": ("{days: 30}", "{minutes: 9}", "29:29 .offers[0].lifetime.minutes"),
    "lifetime too long": ("{days: 30}", "{hours: 841}", "29:27 .offers[0].lifetime.hours"),
    "for nobody": (TRIGGERS, "[scan]\n        for: {apps: []}", "29:21 .offers[0].for.apps"),
    "offer for a class without tiers": (
        TRIGGERS,
        "[scan]\n        who: {tier: gold}",
        "29:15 .offers[0].who.tier",
    ),
    "unknown class": (TRIGGERS, "[scan]\n        for: {age: [x]}", "29:15 .offers[0].for.age"),
    "two effects": (
        "text: {zh-CN: 礼品",
        "effect: {gifts: 1, fen_off: 2}\n            text: {zh-CN: 礼品",
        "37:21 .offers[0].benefits[1].effect",
    ),
    "long short text": ("{points} pts", "{points} pts await you", "41:47 .offers[0].short_text.en"),
    "short text without points": ('"{points} pts"', "pts", "41:47 .offers[0].short_text.en"),
    "invitation where nobody is asked": (
        "    consent: opt_out\n",
        "    consent: opt_out\n" + INVITATION,
        "49:5 versions[1].invitation",
    ),
    "long short invitation": (
        "    reasons:",
        INVITATION.replace("'See it'", "x" * 21) + "    reasons:",
        "48:35 .invitation.short_text.en",
    ),
    "points in an invitation": (
        "    reasons:",
        INVITATION.replace("Agree?", "{points}?") + "    reasons:",
        "47:32 .invitation.text.en",
    ),
    "same trigger of an invitation": (
        "    reasons:",
        INVITATION.replace("[scan]", "[scan, scan]") + "    reasons:",
        "45:24 .invitation.triggers[1]",
    ),
    # versions
    "version falls": ("version: 2", "version: 1", "46:14 versions[1].version"),
    "day falls": ("2026-07-01", "2026-01-01", "47:16 versions[1].effective"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_problem_is_reported_at_its_place(name: str) -> None:
    old, new, expected = CASES[name]
    text = BASE + SECOND if old in SECOND else BASE
    assert old in text
    place = f"f:{expected.replace(' .', ' versions[0].').replace(' ', ': ')}"
    assert place_of_one("rule file", name, problems_of(text.replace(old, new, 1))) == place


def test_an_empty_file_is_a_problem() -> None:
    assert place_of_one("rule file", "empty", problems_of("# nothing\n")) == "f:1:1: file"


def test_a_file_which_is_no_mapping_is_a_problem() -> None:
    found = problems_of("\n- versions\n")
    assert place_of_one("rule file", "no mapping at all", found) == "f:2:1: file"


def test_entries_past_a_limit_are_a_problem() -> None:
    rules = "".join(f"\n      - {{id: r{i}, touchpoint: login, points: 1}}" for i in range(201))
    text = "versions:\n" + SECOND.replace(" []", rules)
    found = problems_of(text)
    assert place_of_one("rule file", "too many entries", found) == "f:6:7: versions[0].earn"


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    edits = {
        "2026-01-01": "soon",
        "consent: opt_in": "consent: null",
        "id: till\n": "id: TILL\n",  # and the campaign's rule is gone with it
        "touchpoint: purchase": "touchpoint: purchas",
        "month: 8000": "month: 8",
        "points: 100\n": "points: '100'\n",
        "id: class": "id: class\n        colour: red",
        "to: 2026-03-15": "to: 2025-03-15",
        "multiplier: 2": "multiplier: []",
        "id: gift": "id: coffee",
        "from_points: 5000": "from_points: 50",
        "en: a gift": "en: 7",
        "get {points} points": "get points",
    }
    text = BASE
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new, 1)
    assert [
        f"{str(problem).partition(': ')[0]} {problem.where}" for problem in problems_of(text)
    ] == [
        "f:3:16 versions[0].effective", "f:4:5 versions[0].consent",
        "f:7:13 versions[0].earn[0].id", "f:8:21 versions[0].earn[0].touchpoint",
        "f:12:33 versions[0].earn[0].caps.month", "f:16:9 versions[0].earn[1].colour",
        "f:18:17 versions[0].earn[1].points", "f:23:13 versions[0].campaigns[0].to",
        "f:24:21 versions[0].campaigns[0].multiplier", "f:25:17 versions[0].campaigns[0].rules[0]",
        "f:36:17 versions[0].offers[0].benefits[1].id",
        "f:37:26 versions[0].offers[0].benefits[1].from_points",
        "f:38:35 versions[0].offers[0].benefits[1].text.en",
        "f:41:15 versions[0].offers[0].text.en",
    ]  # fmt: skip


def test_a_file_which_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(RulesInvalid) as caught:
            load_rules(path)
        assert str(caught.value).startswith(f"{path}:1:1: file: cannot be read (")


def test_a_file_in_another_encoding_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(BASE.encode("gb18030"))
    with pytest.raises(RulesInvalid) as caught:
        load_rules(path)
    assert str(caught.value) == f"{path}:34:27: file: is not UTF-8 text; save the file as UTF-8"


def test_a_file_of_over_1_mb_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(RulesInvalid) as caught:
        load_rules(path)
    assert str(caught.value) == (
        f"{path}:1:1: file: is larger than 1,048,576 bytes; remove old versions"
    )


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(BASE.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_rules(path) == parse_rules(BASE, "f")
