# SPDX-License-Identifier: Apache-2.0
"""Offers: when they are live, what they say, and when they are announced to the CRM."""

from __future__ import annotations

from collections import defaultdict

from stream.engine.model.decision import Channel, Publish
from stream.engine.model.ruleset import ControlGroup
from tests.scenarios.brand import offers, rules
from tests.scenarios.notation import at
from tests.scenarios.story import by, play
from tests.support.books import DAY


def test_an_offer_lapses_a_week_after_what_set_it_off() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-05 09:00  Mei@mp shares /menu
        2026-03-08 09:00  time passes
          > Mei@mp offer revised: 30 until 03-12 09:00 for 1 purchase
        2026-03-12 09:00  time passes
          > Mei@mp offer lapsed
        2026-03-13 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-20 09:00 for 1 purchase
    """)


def test_benefits_are_steps_and_go_when_the_points_do() -> None:
    play("""
        2026-03-02 08:00  Mei@mp shares /menu
        2026-03-02 08:10  Mei@mp pays 49.00 for t1
          > Mei@mp accrual +49 spend@1, balance 49
          > Mei@mp offer issued: 49 until 03-09 08:00 for 1 purchase
        2026-03-02 08:20  Mei@mp pays 1.00 for t2
          > Mei@mp accrual +1 spend@1, balance 50
          > Mei@mp offer revised: 50 + coffee until 03-09 08:00 for 2 purchase
        2026-03-02 08:30  Mei@mp pays 50.00 for t3
          > Mei@mp accrual +50 spend@1, balance 100
          > Mei@mp offer revised: 100 + coffee + gift until 03-09 08:00 for 3 purchase
        2026-03-02 18:00  t3 is refunded 0.10 by r1
          > Mei@mp clawback -1 spend@1, balance 99
          > Mei@mp offer revised: 99 + coffee until 03-09 08:00 for 3 purchase
    """)


def test_a_cool_down_holds_back_a_rise_but_never_a_fall() -> None:
    by(offers(cooldown_ms=2 * DAY))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-02 10:00  Mei@mp pays 20.00 for t2
          > Mei@mp accrual +20 spend@1, balance 50
        2026-03-03 10:00  t1 is refunded 25.00 by r1
          > Mei@mp clawback -25 spend@1, balance 25
          > Mei@mp offer revised: 25 until 03-09 09:00 for 2 purchase
        2026-03-03 11:00  Mei@mp pays 5.00 for t3
          > Mei@mp accrual +5 spend@1, balance 30
        2026-03-05 10:00  time passes
          > Mei@mp offer revised: 30 until 03-09 09:00 for 3 purchase
    """)


MARCH = ControlGroup("march", 50)  # has Dan@mp and Mei@oa, and not Mei@mp


def test_the_control_group_gets_no_offer_and_keeps_its_points() -> None:
    world = by(rules(control_group=MARCH))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:10  Dan@mp pays 30.00 for t2
          > Dan@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 09:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer issued: 35 until 03-09 09:00 for 1 purchase
        2026-03-02 09:10  Dan@mp logs in as Dan
          > Dan@mp bound to Dan since 03-02 09:10 by session.logged_in
          > Dan@mp transfer_out -30 with Dan, balance 0
          > Dan transfer_in +30 with Dan@mp, balance 30
          > Dan accrual +5 welcome@1, balance 35
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -35, balance 0
          > Mei payout of 35 points to M1
          > Mei offer accepted: 35 by M1
        2026-03-03 09:10  Dan enrols as M2
          > Dan payout -35, balance 0
          > Dan payout of 35 points to M2
    """)
    said = [o for o in world.published if o.channel is not Channel.IDENTITY]
    groups = {(o.key[-3:], o.data["experiment"], o.data["group"]) for o in said}
    assert groups == {("Dan", "march", "control"), ("Mei", "march", "treated")}


def test_who_was_treated_by_one_origin_stays_so_and_is_mixed_by_another() -> None:
    world = by(rules(control_group=MARCH))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        given 2026-03-02 09:10  Mei@mp logs in as Mei
        given 2026-03-02 10:00  Mei@oa logs in as Mei
        2026-03-02 11:00  Mei@mp pays 5.00 for t2
          > Mei accrual +5 spend@1, balance 40
          > Mei offer revised: 40 until 03-09 10:00 for 2 purchase
    """)
    groups = [o.data["group"] for o in world.published if o.channel is Channel.OFFERS]
    assert groups[:3] == ["treated", "treated", "treated"]
    assert groups[-1] == "mixed"
    assert "control_group" not in [o.data.get("reason") for o in world.published]


def test_nobody_changes_sides_by_being_identified() -> None:
    """400 people pay three times and log in; at 20 % two of three in control were once moved."""
    lines = []
    for n in range(400):
        lines += [f"given 2026-03-0{d} 08:00  P{n}@mp pays 10.00 for t{n}-{d}" for d in (1, 2, 3)]
        lines += [f"given 2026-03-03 09:00  P{n}@mp shares /menu"]
        lines += [f"given 2026-03-04 09:00  P{n}@mp logs in as P{n}"]
    lines.sort(key=lambda line: line.split()[1:3])
    world = play("\n".join(lines), rules(control_group=ControlGroup("spring", 20)))

    groups: dict[str, set[str]] = defaultdict(set)
    offered: set[str] = set()
    for output in world.published:
        person = output.key.rpartition(".")[2].removeprefix("u")
        if output.channel is not Channel.IDENTITY:
            groups[person].add(output.data["group"])
        if output.channel is Channel.OFFERS:
            offered.add(person)
            assert output.data.get("reason") in (None, "superseded")
    assert len(groups) == 400
    assert all(len(of) == 1 for of in groups.values())
    control = {person for person, of in groups.items() if of == {"control"}}
    assert 60 < len(control) < 100
    assert offered == groups.keys() - control
    assert world.announced().keys() == {f"union.brand.u{person}" for person in offered}


def test_an_offer_speaks_chinese_and_english() -> None:
    world = play("""
        2026-03-02 08:00  Mei@mp pays 1000.00 for t1
          > Mei@mp accrual +1000 spend@1, balance 1000
        2026-03-02 08:10  Mei@mp pays 24.00 for t2
          > Mei@mp accrual +24 spend@1, balance 1024
        2026-03-02 14:00  Mei@mp checks in with k1
          > Mei@mp accrual +10 visit@1, balance 1034
          > Mei@mp offer issued: 1034 + coffee + gift until 03-09 14:00 for 2 purchase, 1 check_in
    """)
    entry, offer = world.published[-2:]
    assert entry == Publish(
        channel=Channel.LEDGER,
        type="entry.posted.v1",
        id="a70bc60599001ebbfa186530b9886c34",
        key="origin.wxmp.Mei",
        time=at("2026-03-02 14:00"),
        data={
            "entry_id": "a70bc60599001ebbfa186530b9886c34",
            "consumer_id": "origin.wxmp.Mei",
            "kind": "accrual",
            "points": 10,
            "balance": 1034,
            "rule": "visit",
            "ruleset_version": 1,
            "cause": "1a8c9b82630ae434",
            "as_of": "2026-03-02T06:00:00.000Z",
        },
    )
    assert offer == Publish(
        channel=Channel.OFFERS,
        type="offer.issued.v1",
        id="e2cdb3ab9bda4b4958cbf5a963216870",
        key="origin.wxmp.Mei",
        time=at("2026-03-02 14:00"),
        data={
            "offer_id": "ea254e4fba727466e9bca95e5d0b3704",
            "consumer_id": "origin.wxmp.Mei",
            "revision": 1,
            "block": "welcome",
            "cause": "1a8c9b82630ae434",
            "trigger": {
                "time": "2026-03-02T06:00:00.000Z",
                "touchpoint": "check_in",
                "event_id": "1a8c9b82630ae434",
            },
            "points": 1034,
            "valid_until": "2026-03-09T06:00:00.000Z",
            "as_of": "2026-03-02T06:00:00.000Z",
            "reasons": [
                {"touchpoint": "purchase", "count": 2, "points": 1024},
                {"touchpoint": "check_in", "count": 1, "points": 10},
            ],
            "other_points": 0,
            "benefits": [
                {"id": "coffee", "text": {"zh-CN": "咖啡一杯", "en": "a coffee"}},
                {"id": "gift", "text": {"zh-CN": "精美礼品", "en": "a gift"}},
            ],
            "text": {
                "zh-CN": "立即注册，领取 1,034 积分！2 次消费、1 次签到。"
                "另赠：咖啡一杯、精美礼品。",
                "en": "Sign up now for 1,034 points: purchases: 2, check-ins: 1. "
                "On top: a coffee, a gift.",
            },
            "short_text": {"zh-CN": "1,034积分待领取", "en": "1,034 pts await"},
            "ruleset_version": 1,
            "origins": [{"appid": "wxmp", "openid": "Mei"}],
            "channels": [],
        },
    )
