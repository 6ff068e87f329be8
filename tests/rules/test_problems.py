"""Every kind of problem in a rule file is told at its exact place."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.rules.loader import load_rules, parse_rules
from stream.rules.problems import RulesInvalid
from stream.rules.source import FILE_BYTES_MAX

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
      threshold_points: 1000
      triggers: [follow, purchase]
      lifetime_days: 30
      cooldown_hours: 72
      control_group_percent: 5
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
      reasons:
        zh-CN: {purchase: "{count} 次消费"}
        en: {purchase: "purchases: {count}"}
"""
SECOND = """\
  - version: 2
    effective: 2026-07-01
    consent: opt_out
    earn: []
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text, "f")
    return [str(problem) for problem in caught.value.problems]


def test_the_base_of_these_cases_is_valid() -> None:
    assert len(parse_rules(BASE + SECOND, "f").versions) == 2


# name -> (what is replaced, by what, the one problem: its place and the start of its message)
CASES: dict[str, tuple[str, str, str]] = {
    # YAML
    "tab": ("    consent", "\tconsent", "f:4:1: file: is not YAML ("),
    "unclosed bracket": ("[till]", "[till", "f:25:11: file: is not YAML ("),
    "second document": ("    consent", "---\n    consent", "f:4:1: file: is not YAML ("),
    "alias": ("[till]", "*x", "f:24:16: file: is not YAML (anchors (&) and aliases"),
    "anchor": ("[till]", "&x [till]", "f:24:16: file: is not YAML (anchors (&) and aliases"),
    "deep": ("[till]", "[" * 30 + "]" * 30, "f:24:27: file: is not YAML (nested over 16 deep)"),
    "control character": ("opt_in", "opt\x07in", "f:4:17: file: holds a control character"),
    "tag": ("[till]", "!!set {}", "f:24:16: versions[0].campaigns[0].rules: the tag "),
    "list as name": ("rules: [till]", "[a]: b", "f:24:9: versions[0].campaigns[0].?4: the name"),
    "duplicate name": (
        "    consent: opt_in\n",
        "    consent: opt_in\n    consent: opt_out\n",
        "f:5:5: versions[0].consent: is already given in line 4",
    ),
    "no value": ("day: 500", "day:", "f:12:16: versions[0].earn[0].caps.day: has no value"),
    "hexadecimal": ("365", "0x1F", "f:5:18: versions[0].expiry_days: '0x1F' is no plain decimal"),
    "octal": ("365", "010", "f:5:18: versions[0].expiry_days: '010' is no plain decimal"),
    "sexagesimal": ("365", "1:30", "f:5:18: versions[0].expiry_days: '1:30' is no plain decimal"),
    "infinity": ("365", ".inf", "f:5:18: versions[0].expiry_days: '.inf' is no plain decimal"),
    "unshowable": ("coffee}", '"\\0"}', "f:34:33: versions[0].offers.benefits[0].text.en: holds"),
    # the kinds of values
    "unknown setting": (
        "    expiry_days",
        "    expiry_day",
        "f:5:5: versions[0].expiry_day: there is no such setting here;"
        " did you mean 'expiry_days'? There is: allow_rewarding,",
    ),
    "unknown setting in caps": (
        "day: 500",
        "week: 500",
        "f:12:16: versions[0].earn[0].caps.week: there is no such setting here;"
        " There is: day, lifetime, month",
    ),
    "missing": ("    consent: opt_in\n", "", "f:2:5: versions[0].consent: is missing; add it"),
    "missing in offers": (
        "      lifetime_days: 30\n",
        "",
        "f:25:5: versions[0].offers.lifetime_days: is missing; add it",
    ),
    "number as text": ("365", "'365'", "f:5:18: versions[0].expiry_days: must be a whole number"),
    "fraction": ("365", "36.5", "f:5:18: versions[0].expiry_days: must be a whole number"),
    "bool as number": ("365", "yes", "f:5:18: versions[0].expiry_days: must be a whole number"),
    "too small": ("365", "0", "f:5:18: versions[0].expiry_days: must be at least 1"),
    "too large": ("365", "99999", "f:5:18: versions[0].expiry_days: must be at most 3650"),
    "text as bool": (
        "first_time: true",
        "first_time: 'true'",
        "f:18:21: versions[0].earn[1].first_time: must be true or false",
    ),
    "no list": ("[till]", "till", "f:24:16: versions[0].campaigns[0].rules: must be a list"),
    "no mapping": (
        "{day: 500, month: 8000}",
        "500",
        "f:12:15: versions[0].earn[0].caps: must hold",
    ),
    "number as language": (
        "en: coffee",
        "en: 5",
        "f:34:33: versions[0].offers.benefits[0].text.en: must be text; put it in quotes",
    ),
    "consent": ("opt_in", "maybe", "f:4:14: versions[0].consent: must be one of 'opt_in' or"),
    "rounding": ("down", "near", "f:11:19: versions[0].earn[0].rounding: must be one of 'down'"),
    "unknown base": (
        "base: payer_total_fen",
        "base: fen",
        "f:10:15: versions[0].earn[0].base: must be one of 'payer_total_fen' or 'total_fen'",
    ),
    "date": ("2026-01-01", "01.02.2026", "f:3:16: versions[0].effective: must be a date such as"),
    "no such day": (
        "2026-01-01",
        "2026-02-29",
        "f:3:16: versions[0].effective: '2026-02-29' is not in the calendar",
    ),
    "year": ("2026-01-01", "1926-01-01", "f:3:16: versions[0].effective: the year must be"),
    "time for a day": (
        "2026-01-01",
        "2026-01-01T08:00",
        "f:3:16: versions[0].effective: must be a date such as",
    ),
    "campaign time": (
        "2026-03-02",
        "2026-03-02T8",
        "f:21:15: versions[0].campaigns[0].from: must be a date such as",
    ),
    "no such zone": (
        "2026-03-02",
        "2026-03-02T08:00+99:00",
        "f:21:15: versions[0].campaigns[0].from: '2026-03-02T08:00+99:00' is not in the calendar",
    ),
    # rules
    "no versions": (BASE, "versions: []", "f:1:11: versions: is empty"),
    "rule id": (
        "id: class",
        "id: Class",
        "f:15:13: versions[0].earn[1].id: 'Class' must be 1 to 32",
    ),
    "long rule id": ("id: class", "id: " + "x" * 33, "f:15:13: versions[0].earn[1].id: 'xxxx"),
    "unknown touchpoint": (
        "touchpoint: check_in",
        "touchpoint: checkin",
        "f:16:21: versions[0].earn[1].touchpoint: there is no touchpoint 'checkin';"
        " did you mean 'check_in'? There is: add_to_cart,",
    ),
    "points": ("points: 100\n", "points: 0\n", "f:17:17: versions[0].earn[1].points: must be at"),
    "rate of zero": (
        "points_per_yuan: 10",
        "points_per_yuan: 0.0",
        "f:9:26: versions[0].earn[0].points_per_yuan: must be more than 0 and at most 10000",
    ),
    "rate in words": (
        "points_per_yuan: 10",
        "points_per_yuan: ten",
        "f:9:26: versions[0].earn[0].points_per_yuan: must be a plain number such as 12.5",
    ),
    "neither points nor rate": (
        "        points: 100\n",
        "",
        "f:15:9: versions[0].earn[1]: earns nothing; add 'points' or 'points_per_yuan'",
    ),
    "points and rate": (
        "        base",
        "        points: 5\n        base",
        "f:9:9: versions[0].earn[0].points_per_yuan: stands beside 'points'",
    ),
    "rate, first time": (
        "        base",
        "        first_time: true\n        base",
        "f:10:9: versions[0].earn[0].first_time: works only with 'points'",
    ),
    "rounding without rate": (
        "        first_time: true",
        "        rounding: up",
        "f:18:9: versions[0].earn[1].rounding: belongs to 'points_per_yuan'",
    ),
    "rate without money": (
        "        points: 100\n        first_time: true\n",
        "        points_per_yuan: 1\n",
        "f:17:9: versions[0].earn[1].points_per_yuan: needs an amount paid, which only purchase",
    ),
    "base of an order": (
        "earn: []",
        "earn: [{id: a, touchpoint: order, points_per_yuan: 1, base: payer_total_fen}]",
        "f:47:65: versions[1].earn[0].base: order has no payer_total_fen; use total_fen",
    ),
    "caps fall": (
        "month: 8000",
        "month: 80",
        "f:12:33: versions[0].earn[0].caps.month: is below the 'day' cap of 500",
    ),
    "caps fall past a gap": (
        "month: 8000",
        "lifetime: 80",
        "f:12:36: versions[0].earn[0].caps.lifetime: is below the 'day' cap of 500",
    ),
    "same rule id": (
        "id: class",
        "id: till",
        "f:15:13: versions[0].earn[1].id: 'till' is used above already; choose another id",
    ),
    "follow earns": (
        "touchpoint: check_in",
        "touchpoint: follow",
        "f:16:21: versions[0].earn[1].touchpoint: WeChat forbids rewarding a follow;",
    ),
    "share earns": (
        "touchpoint: check_in",
        "touchpoint: share",
        "f:16:21: versions[0].earn[1].touchpoint: WeChat forbids rewarding a share;",
    ),
    "needless permission": (
        "    expiry_days: 365",
        "    allow_rewarding: [purchase]",
        "f:5:23: versions[0].allow_rewarding[0]: 'purchase' needs no permission; There is: follow",
    ),
    # conditions
    "unknown field": (
        "trade_type: JSAPI",
        "tradetype: JSAPI",
        "f:14:11: versions[0].earn[0].when.tradetype: purchase has no such field;"
        " did you mean 'trade_type'? There is: appid, attach,",
    ),
    "unknown comparison": (
        "trade_type: JSAPI",
        "trade_type: {is: JSAPI}",
        "f:14:24: versions[0].earn[0].when.trade_type.is: must be one of 'eq', 'ne', 'in'",
    ),
    "no comparison": (
        "trade_type: JSAPI",
        "trade_type: {}",
        "f:14:23: versions[0].earn[0].when.trade_type: is empty",
    ),
    "number for text": (
        "trade_type: JSAPI",
        "trade_type: 7",
        "f:14:23: versions[0].earn[0].when.trade_type: '7' does not fit: this field is compared"
        " with text in quotes",
    ),
    "text for number": (
        "trade_type: JSAPI",
        "total_fen: {gte: 'much'}",
        "f:14:28: versions[0].earn[0].when.total_fen.gte: 'much' does not fit",
    ),
    "bool for number": (
        "trade_type: JSAPI",
        "total_fen: true",
        "f:14:22: versions[0].earn[0].when.total_fen: 'True' does not fit",
    ),
    "fraction in a condition": (
        "trade_type: JSAPI",
        "total_fen: {gte: 1.5}",
        "f:14:28: versions[0].earn[0].when.total_fen.gte: must be text or a whole number",
    ),
    "order of texts": (
        "trade_type: JSAPI",
        "trade_type: {lt: a}",
        "f:14:28: versions[0].earn[0].when.trade_type.lt: 'lt' compares numbers",
    ),
    "prefix of a number": (
        "trade_type: JSAPI",
        "total_fen: {prefix: 1}",
        "f:14:31: versions[0].earn[0].when.total_fen.prefix: 'prefix' is for text",
    ),
    "in without list": (
        "trade_type: JSAPI",
        "trade_type: {in: JSAPI}",
        "f:14:28: versions[0].earn[0].when.trade_type.in: 'in' needs a list such as [a, b]",
    ),
    "list without in": (
        "trade_type: JSAPI",
        "trade_type: [JSAPI]",
        "f:14:23: versions[0].earn[0].when.trade_type: 'eq' takes one value; for several use in",
    ),
    "empty in": (
        "trade_type: JSAPI",
        "trade_type: {in: []}",
        "f:14:28: versions[0].earn[0].when.trade_type.in: must list between 1 and 100 values",
    ),
    "long operand": (
        "trade_type: JSAPI",
        "trade_type: " + "x" * 1025,
        "f:14:23: versions[0].earn[0].when.trade_type: must have at most 1024 characters",
    ),
    # campaigns
    "campaign of unknown rule": (
        "[till]",
        "[till, clas]",
        "f:24:23: versions[0].campaigns[0].rules[1]: this version has no rule 'clas';"
        " did you mean 'class'?",
    ),
    "campaign ends first": (
        "to: 2026-03-15",
        "to: 2026-03-01",
        "f:22:13: versions[0].campaigns[0].to: must be after 'from'",
    ),
    "multiplier": (
        "multiplier: 2",
        "multiplier: 100.5",
        "f:23:21: versions[0].campaigns[0].multiplier: must be more than 0 and at most 100",
    ),
    "same campaign id": (
        "    offers:",
        "      - {id: double, from: 2026-04-01, to: 2026-04-01, multiplier: 3}\n    offers:",
        "f:25:14: versions[0].campaigns[1].id: 'double' is used above already",
    ),
    # offers
    "same benefit id": (
        "id: gift",
        "id: coffee",
        "f:35:15: versions[0].offers.benefits[1].id: 'coffee' is used above already",
    ),
    "steps fall": (
        "from_points: 5000",
        "from_points: 500",
        "f:36:24: versions[0].offers.benefits[1].from_points: must be more than the step before",
    ),
    "same trigger": (
        "[follow, purchase]",
        "[follow, purchase, follow]",
        "f:27:36: versions[0].offers.triggers[2]: follow is in the list already",
    ),
    "unknown trigger": (
        "[follow, purchase]",
        "[follow, paid]",
        "f:27:26: versions[0].offers.triggers[1]: there is no touchpoint 'paid'",
    ),
    "text without points": (
        "get {points} points",
        "get points",
        "f:40:13: versions[0].offers.text.en: must contain {points}",
    ),
    "unknown placeholder": (
        "get {points} points",
        "get {points} points, {name}",
        "f:40:13: versions[0].offers.text.en: '{name}' cannot be filled in; use only {points},",
    ),
    "lone brace": (
        "get {points} points",
        "get {points} points }",
        "f:40:13: versions[0].offers.text.en: '}' cannot be filled in",
    ),
    "attribute in a placeholder": (
        "get {points} points",
        "get {points} {points.real}",
        "f:40:13: versions[0].offers.text.en: '{points.real}' cannot be filled in",
    ),
    "placeholder in a benefit": (
        "en: coffee",
        "en: 'coffee {points}'",
        "f:34:33: versions[0].offers.benefits[0].text.en: '{points}' cannot be filled in; no",
    ),
    "blank text": ("en: coffee", "en: ' '", "f:34:33: versions[0].offers.benefits[0].text.en: is"),
    "long text": (
        "en: coffee",
        "en: " + "x" * 501,
        "f:34:33: versions[0].offers.benefits[0].text.en: must have at most 500 characters",
    ),
    "missing language": (
        "        en: get {points} points\n",
        "",
        "f:38:7: versions[0].offers.text.en: is missing; add it",
    ),
    "unknown language": (
        "zh-CN: 咖啡",
        "zh-CN: 咖啡, fr: café",
        "f:34:29: versions[0].offers.benefits[0].text.fr: there is no such setting here",
    ),
    "reason of no touchpoint": (
        'en: {purchase: "purchases: {count}"}',
        'en: {purchase: "purchases: {count}", purchases: x}',
        "f:43:46: versions[0].offers.reasons.en.purchases: there is no touchpoint 'purchases'",
    ),
    "placeholder in a reason": (
        "purchases: {count}",
        "purchases: {points}",
        "f:43:24: versions[0].offers.reasons.en.purchase: '{points}' cannot be filled in; use",
    ),
    "reason in one language": (
        'en: {purchase: "purchases: {count}"}',
        'en: {purchase: "purchases: {count}", scan: "scans: {count}"}',
        "f:43:46: versions[0].offers.reasons.en.scan: has no text in zh-CN",
    ),
    "control group": (
        "percent: 5",
        "percent: 101",
        "f:30:30: versions[0].offers.control_group_percent: must be at most 100",
    ),
    # versions
    "version falls": (
        "version: 2",
        "version: 1",
        "f:44:14: versions[1].version: must be more than the version before, 1",
    ),
    "day falls": (
        "2026-07-01",
        "2026-01-01",
        "f:45:16: versions[1].effective: must be after the version before, which starts on 2026",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_problem_is_told_at_its_place(name: str) -> None:
    old, new, expected = CASES[name]
    text = BASE + SECOND if old in SECOND else BASE
    assert old in text
    assert [p[: len(expected)] for p in problems_of(text.replace(old, new, 1))] == [expected]


def test_an_empty_file_is_a_problem() -> None:
    assert problems_of("# nothing\n")[0].startswith("f:1:1: file: is empty")


def test_a_file_which_is_no_mapping_is_a_problem() -> None:
    assert problems_of("\n- versions\n") == [
        "f:2:1: file: must hold settings of its own, one 'name: value' in each line"
    ]


def test_entries_past_a_limit_are_a_problem() -> None:
    rules = "".join(f"\n      - {{id: r{i}, touchpoint: login, points: 1}}" for i in range(201))
    text = "versions:\n" + SECOND.replace(" []", rules)
    assert problems_of(text) == [
        "f:6:7: versions[0].earn: has 201 entries, of which 200 are allowed; remove some"
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
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
        problem.split(": ")[0] + " " + problem.split(": ")[1] for problem in problems_of(text)
    ] == [
        "f:3:16 versions[0].effective",
        "f:4:5 versions[0].consent",
        "f:7:13 versions[0].earn[0].id",
        "f:8:21 versions[0].earn[0].touchpoint",
        "f:12:33 versions[0].earn[0].caps.month",
        "f:16:9 versions[0].earn[1].colour",
        "f:18:17 versions[0].earn[1].points",
        "f:23:13 versions[0].campaigns[0].to",
        "f:24:21 versions[0].campaigns[0].multiplier",
        "f:25:17 versions[0].campaigns[0].rules[0]",
        "f:36:15 versions[0].offers.benefits[1].id",
        "f:37:24 versions[0].offers.benefits[1].from_points",
        "f:38:33 versions[0].offers.benefits[1].text.en",
        "f:41:13 versions[0].offers.text.en",
    ]


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
    assert str(caught.value) == f"{path}:34:25: file: is not UTF-8 text; save the file as UTF-8"


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
