# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.rules.loader import parse_rules
from stream.rules.timetable import lines, timetable

TEXT = """\
versions:
  - version: 1
    effective: 2026-05-01
    consent: opt_in
    combine: product
    earn:
      - {id: till, touchpoint: purchase, points_per_yuan: 1}
      - {id: late, touchpoint: login, points: 5, when: {hours: 23:00-01:00, dates: [04-30, 05-02]}}
    campaigns:
      - {id: love, multiplier: 2, when: {dates: [{festival: 520, days_before: 2}, qixi]}}
      - {id: nights, from: 2026-06-01T18:00, multiplier: 1.25, when: {weekdays: [fri, sat]}}
      - {id: months, multiplier: 3, when: {dates: [{from: 2026-01-01, to: 2026-05-02}]}}
      - {id: weeks, from: 2026-05-20, to: 2026-06-20, multiplier: 2, when: {dates: [05-20, 07-01]}}
      - {id: paydays, multiplier: 1.5, when: {days_of_month: [1, 15], dates: [2029-01-01]}}
      - id: late
        from: 2028-01-01
        multiplier: 2
        when: {dates: [{from: 2026-01-01, to: 2029-01-01}]}
  - version: 2
    effective: 2027-05-19
    consent: opt_in
    earn: []
    campaigns:
      - {id: double_11, multiplier: 11, when: {dates: [singles_day]}}
      - {id: half, from: 2027-05-19, multiplier: 0.5}
"""


def test_each_campaign_and_each_rule_has_its_days_while_its_version_is_in_force() -> None:
    assert [str(line) for line in lines(timetable(parse_rules(TEXT, "f")))] == [
        "  version 1, campaign love (x 2): dates 2026-05-18..2026-05-20, 2026-08-19, 2027-05-18",
        "  version 1, campaign nights (x 1.25): from 2026-06-01T18:00+08:00; weekdays fri, sat",
        "  version 1, campaign months (x 3): dates 2026-05-01..2026-05-02",
        "  version 1, campaign weeks (x 2):"
        " from 2026-05-20T00:00+08:00 to 2026-06-21T00:00+08:00; dates 2026-05-20",
        "  version 1, campaign paydays (x 1.5): dates none; days_of_month 1, 15",
        "  version 1, campaign late (x 2): from 2028-01-01T00:00+08:00; dates none",
        "  version 1, rule late:"
        " dates 2026-04-30, 2026-05-02, 2027-04-30, 2027-05-02; hours 23:00-01:00",
        "  version 2, campaign double_11 (x 11): dates "
        + ", ".join(f"{year}-11-11" for year in range(2027, 2039))
        + ", 8 more to 2046-11-11",
        "  version 2, campaign half (x 0.5): always",
    ]


def test_programs_get_all_of_it() -> None:
    first, second = timetable(parse_rules(TEXT, "f"))
    assert (first["effective"], first["until"]) == ("2026-05-01T00:00+08:00", second["effective"])
    assert (first["combine"], second["combine"], second["until"]) == ("product", "highest", None)
    assert first["campaigns"][1] == {
        "id": "nights",
        "multiplier": "1.25",
        "from": "2026-06-01T18:00+08:00",
        "weekdays": ["fri", "sat"],
    }
    assert len(second["campaigns"][0]["dates"]) == 20
    assert [rule["id"] for rule in first["rules"]] == ["late"]
