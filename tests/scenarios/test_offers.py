"""Offers: when they are live, what they say, and when the CRM is told."""

from __future__ import annotations

from stream.engine.decision import Channel, Publish
from tests.scenarios.brand import offers
from tests.scenarios.notation import at
from tests.scenarios.story import play
from tests.support.books import DAY


def test_an_offer_lapses_a_week_after_what_set_it_off() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-05 09:00  Mei@mp shares /menu
        2026-03-09 09:00  time passes
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
    play(
        """
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
        """,
        offers(cooldown_ms=2 * DAY),
    )


def test_the_control_group_gets_no_offer_and_keeps_its_points() -> None:
    play(
        """
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:10  Zhang@mp pays 30.00 for t2
          > Zhang@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 09:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer issued: 35 until 03-09 09:00 for 1 purchase
        2026-03-02 09:10  Zhang@mp logs in as Zhang
          > Zhang@mp bound to Zhang since 03-02 09:10 by session.logged_in
          > Zhang@mp transfer_out -30 with Zhang, balance 0
          > Zhang transfer_in +30 with Zhang@mp, balance 30
          > Zhang accrual +5 welcome@1, balance 35
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -35, balance 0
          > Mei payout of 35 points to M1
          > Mei offer accepted: 35 by M1
        2026-03-03 09:10  Zhang enrols as M2
          > Zhang payout -35, balance 0
          > Zhang payout of 35 points to M2
        """,
        offers(control_group_percent=50),
    )


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
            "points": 1034,
            "valid_until": "2026-03-09T06:00:00.000Z",
            "as_of": "2026-03-02T06:00:00.000Z",
            "reasons": [
                {"touchpoint": "purchase", "count": 2},
                {"touchpoint": "check_in", "count": 1},
            ],
            "benefits": ["coffee", "gift"],
            "text": {
                "zh-CN": "立即注册，领取 1,034 积分！2 次消费、1 次签到。"
                "另赠：咖啡一杯、精美礼品。",
                "en": "Sign up now for 1,034 points: purchases: 2, check-ins: 1. "
                "On top: a coffee, a gift.",
            },
            "ruleset_version": 1,
            "origins": [{"appid": "wxmp", "openid": "Mei"}],
        },
    )
