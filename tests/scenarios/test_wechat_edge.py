# SPDX-License-Identifier: Apache-2.0
"""What WeChat itself says about who is who: coupons, cards, answers, changed openids, moves."""

from __future__ import annotations

from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import rules
from tests.scenarios.story import by, play

COUPONS = rules(EarningRule("coupon", Touchpoint.COUPON_USED, points=7))


def test_a_coupon_used_before_its_payment_is_known_waits_for_the_payer() -> None:
    by(COUPONS)("""
        2026-03-02 08:10  coupon c1 is used in t1
          > counts: parked +1
        2026-03-02 08:10  Mei@mp pays 12.00 for t1 [arrives 2026-03-02 08:15]
          > Mei@mp accrual +12 spend@1, balance 12
          > Mei@mp accrual +7 coupon@1, balance 19
          > counts: applied +2, parked -1
        2026-03-02 08:10  coupon c1 is used in t1 [again] [arrives 2026-03-02 08:20]
          > counts: duplicate +1
    """)


def test_and_reaches_the_payer_at_once_when_it_comes_after_it() -> None:
    by(COUPONS)("""
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 08:10  coupon c1 is used in t1 [arrives 2026-03-02 08:12]
          > Mei@mp accrual +7 coupon@1, balance 19
    """)


def test_a_member_card_says_who_an_unbound_payer_is() -> None:
    play("""
        given 2026-03-01..2026-03-05 08:10  Mei@oa pays 10.00 for t*
        2026-03-06 12:00  Mei@oa takes card 318 as Mei
          > Mei@oa bound to Mei since 03-06 12:00 by card.accepted
          > Mei@oa transfer_out -50 with Mei, balance 0
          > Mei transfer_in +50 with Mei@oa, balance 50
        2026-03-06 12:00  Mei@oa takes card 318 as Mei [again]
          > counts: duplicate +1
        2026-03-07 08:10  Mei@oa pays 10.00 for t6
          > Mei accrual +10 spend@1, balance 60
    """)


def test_a_coupon_for_a_payment_says_who_paid_by_another_openid() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:11  Mei-2@oa receives coupon c1 as Mei for t1
          > Mei-2@oa bound to Mei since 03-02 08:11 by coupon.received
          > Mei@mp bound to Mei since 03-02 08:11 by coupon.received
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
        2026-03-02 09:00  Li@sp pays 30.00 for t2
          > Li@sp accrual +30 spend@1, balance 30
        2026-03-02 09:01  Li@oa receives coupon c2 as Li for t2
          > Li@oa bound to Li since 03-02 09:01 by coupon.received
    """)


def test_which_may_come_before_the_payment() -> None:
    play("""
        2026-03-02 08:11  Mei-2@oa receives coupon c1 as Mei for t1
          > Mei-2@oa bound to Mei since 03-02 08:11 by coupon.received
        2026-03-02 08:10  Mei@mp pays 30.00 for t1 [arrives 2026-03-02 08:12]
          > Mei@mp accrual +30 spend@1, balance 30
          > Mei@mp bound to Mei since 03-02 08:11 by coupon.received
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
    """)


def test_the_answer_of_the_resolver_binds_a_year_of_purchases() -> None:
    play("""
        given 2025-03-10..2026-03-01 08:10  Mei@mp pays 2.00 for t*
        2026-03-02 08:10  Mei@mp turns out to be Mei
          > Mei@mp bound to Mei since 03-02 08:10 by unionid.resolved
          > Mei@mp transfer_out -714 with Mei, balance 0
          > Mei transfer_in +714 with Mei@mp, balance 714
        2026-03-03 08:10  Mei@mp turns out to be Mei
          > counts: duplicate +1
    """)


def test_a_changed_openid_is_the_same_person() -> None:
    play("""
        2026-03-01 08:10  Mei@old pays 15.00 for t1
          > Mei@old accrual +15 spend@1, balance 15
        2026-03-02 08:10  Mei-2@oa pays 9.00 for t2
          > Mei-2@oa accrual +9 spend@1, balance 9
        2026-03-03 03:00  Mei-2@oa was Mei@old before
          > Mei-2@oa bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei-2@oa transfer_out -9 with aliases-of-Mei-2@oa, balance 0
          > Mei@old bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei@old transfer_out -15 with aliases-of-Mei-2@oa, balance 0
          > aliases-of-Mei-2@oa transfer_in +9 with Mei-2@oa, balance 9
          > aliases-of-Mei-2@oa transfer_in +15 with Mei@old, balance 24
        2026-03-03 03:00  Mei-2@oa was Mei@old before [again]
          > counts: duplicate +1
        2026-03-04 08:10  Mei@old pays 2.00 for t3
          > aliases-of-Mei-2@oa accrual +2 spend@1, balance 26
        2026-03-04 09:00  Mei-2@oa shares /menu
          > aliases-of-Mei-2@oa offer issued: 26 until 03-11 09:00 for 3 purchase
        2026-03-05 08:10  Mei-2@oa takes card 318 as Mei
          > Mei-2@oa bound to Mei since 03-05 08:10 by card.accepted (generation 2)
          > aliases-of-Mei-2@oa transfer_out -9 with Mei, balance 17
          > aliases-of-Mei-2@oa offer withdrawn: below_threshold
          > Mei@old bound to Mei since 03-05 08:10 by card.accepted (generation 2)
          > Mei transfer_in +9 with aliases-of-Mei-2@oa, balance 9
          > aliases-of-Mei-2@oa transfer_out -17 with Mei, balance 0
          > Mei transfer_in +17 with aliases-of-Mei-2@oa, balance 26
          > Mei offer issued: 26 until 03-11 09:00 for 3 purchase
        2026-03-06 08:10  Mei@old pays 1.00 for t4
          > Mei accrual +1 spend@1, balance 27
          > Mei offer revised: 27 until 03-11 09:00 for 4 purchase
    """)


def test_a_changed_openid_of_somebody_known_brings_the_new_one_along() -> None:
    play("""
        2026-03-01 08:10  Mei@old pays 15.00 for t1
          > Mei@old accrual +15 spend@1, balance 15
        2026-03-02 08:10  Mei@old takes card 318 as Mei
          > Mei@old bound to Mei since 03-02 08:10 by card.accepted
          > Mei@old transfer_out -15 with Mei, balance 0
          > Mei transfer_in +15 with Mei@old, balance 15
        2026-03-03 08:10  Mei-2@oa pays 9.00 for t2
          > Mei-2@oa accrual +9 spend@1, balance 9
        2026-03-04 03:00  Mei-2@oa was Mei@old before
          > Mei-2@oa bound to aliases-of-Mei-2@oa since 03-04 03:00 by openid.changed
          > Mei-2@oa transfer_out -9 with aliases-of-Mei-2@oa, balance 0
          > aliases-of-Mei-2@oa transfer_in +9 with Mei-2@oa, balance 9
          > Mei-2@oa bound to Mei since 03-02 08:10 by card.accepted (generation 2)
          > aliases-of-Mei-2@oa transfer_out -9 with Mei, balance 0
          > Mei transfer_in +9 with aliases-of-Mei-2@oa, balance 24
        2026-03-05 08:10  Mei-2@oa pays 1.00 for t3
          > Mei accrual +1 spend@1, balance 25
    """)


def test_the_profile_of_aliases_can_enrol_and_moves_on_with_them() -> None:
    play("""
        2026-03-01 08:10  Mei@old pays 15.00 for t1
          > Mei@old accrual +15 spend@1, balance 15
        2026-03-03 03:00  Mei-2@oa was Mei@old before
          > Mei-2@oa bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei@old bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei@old transfer_out -15 with aliases-of-Mei-2@oa, balance 0
          > aliases-of-Mei-2@oa transfer_in +15 with Mei@old, balance 15
        2026-03-04 08:10  aliases-of-Mei-2@oa enrols as M1
          > aliases-of-Mei-2@oa payout -15, balance 0
          > aliases-of-Mei-2@oa payout of 15 points to M1
        2026-03-05 08:10  Mei-2@oa takes card 318 as Mei
          > Mei-2@oa bound to Mei since 03-05 08:10 by card.accepted (generation 2)
          > aliases-of-Mei-2@oa payout_correction +15, balance 15
          > aliases-of-Mei-2@oa payout to M1 corrected by -15
          > Mei@old bound to Mei since 03-05 08:10 by card.accepted (generation 2)
          > Mei payout of 0 points to M1
          > aliases-of-Mei-2@oa transfer_out -15 with Mei, balance 0
          > Mei transfer_in +15 with aliases-of-Mei-2@oa, balance 15
          > Mei payout -15, balance 0
          > Mei supplementary payout of 15 points to M1
          > counts: member +1
        2026-03-06 08:10  Mei@old pays 1.00 for t4
          > counts: member +1
    """)


def test_who_was_taken_for_the_same_person_can_be_separated() -> None:
    play("""
        2026-03-01 08:10  Mei@old pays 15.00 for t1
          > Mei@old accrual +15 spend@1, balance 15
        2026-03-02 08:10  Li@oa pays 9.00 for t2
          > Li@oa accrual +9 spend@1, balance 9
        2026-03-03 03:00  Li@oa was Mei@old before
          > Li@oa bound to aliases-of-Li@oa since 03-03 03:00 by openid.changed
          > Li@oa transfer_out -9 with aliases-of-Li@oa, balance 0
          > Mei@old bound to aliases-of-Li@oa since 03-03 03:00 by openid.changed
          > Mei@old transfer_out -15 with aliases-of-Li@oa, balance 0
          > aliases-of-Li@oa transfer_in +9 with Li@oa, balance 9
          > aliases-of-Li@oa transfer_in +15 with Mei@old, balance 24
        2026-03-04 08:10  Li@oa is not aliases-of-Li@oa
          > Li@oa unbound from aliases-of-Li@oa
          > Mei@old unbound from aliases-of-Li@oa
          > aliases-of-Li@oa transfer_out -9 with Li@oa, balance 15
          > aliases-of-Li@oa transfer_out -15 with Mei@old, balance 0
          > Li@oa transfer_in +9 with aliases-of-Li@oa, balance 9
          > Mei@old transfer_in +15 with aliases-of-Li@oa, balance 15
        2026-03-05 08:10  Li@oa takes card 318 as Li
          > Li@oa bound to Li since 03-05 08:10 by card.accepted (generation 3)
          > Li@oa transfer_out -9 with Li, balance 0
          > Li transfer_in +9 with Li@oa, balance 9
    """)


def test_a_payment_which_shop_and_mall_report_counts_once() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 12.00 for o-1 (10.00 after coupons)
          > Mei@mp accrual +10 spend@1, balance 10
        2026-03-02 08:10  Mei@oa pays 10.00 in the mall for o-1 [arrives 2026-03-02 08:12]
          > Mei@oa accrual +10 spend@1, balance 10
          > Mei@oa bound to aliases-of-Mei@mp since 03-02 08:10 by payment.succeeded
          > Mei@oa transfer_out -10 with aliases-of-Mei@mp, balance 0
          > Mei@mp bound to aliases-of-Mei@mp since 03-02 08:10 by payment.succeeded
          > Mei@mp transfer_out -10 with aliases-of-Mei@mp, balance 0
          > aliases-of-Mei@mp transfer_in +10 with Mei@oa, balance 10
          > aliases-of-Mei@mp clawback -10 spend@1, balance 0
          > aliases-of-Mei@mp transfer_in +10 with Mei@mp, balance 10
          > counts: duplicate +1
        2026-03-02 08:10  Mei@oa pays 10.00 in the mall for o-1 [again] [arrives 2026-03-02 08:13]
          > counts: duplicate +1
        2026-03-03 08:10  o-1 is refunded 6.00 by r1 (5.00 after coupons)
          > aliases-of-Mei@mp clawback -5 spend@1, balance 5
    """)


def test_whichever_of_the_two_comes_first() -> None:
    play("""
        2026-03-02 08:10  Mei@oa pays 10.00 in the mall for o-1
          > Mei@oa accrual +10 spend@1, balance 10
        2026-03-03 08:10  o-1 is refunded 6.00 by r1 (5.00 after coupons)
          > Mei@oa clawback -5 spend@1, balance 5
        2026-03-02 08:10  Mei@mp pays 12.00 for o-1 (10.00 after coupons) [arrives 2026-03-03 09:00]
          > Mei@mp accrual +10 spend@1, balance 10
          > Mei@mp bound to aliases-of-Mei@mp since 03-02 08:10 by payment.succeeded
          > Mei@mp transfer_out -10 with aliases-of-Mei@mp, balance 0
          > Mei@oa clawback -5 spend@1, balance 0
          > Mei@oa bound to aliases-of-Mei@mp since 03-02 08:10 by payment.succeeded
          > aliases-of-Mei@mp transfer_in +10 with Mei@mp, balance 10
          > aliases-of-Mei@mp clawback -5 spend@1, balance 5
          > counts: duplicate +1
    """)


def test_a_payment_which_mini_program_and_wechat_pay_report_counts_once() -> None:
    """Virtual payment's refunds name its own order alone, WeChat Pay's the transaction."""
    play("""
        2026-03-02 08:10  Mei@mp pays 28.00 for order VP1 in t-1
          > Mei@mp accrual +28 spend@1, balance 28
        2026-03-02 08:10  Mei@mp pays 28.00 for order VP1 in t-1 [again]
          > counts: duplicate +1
        2026-03-02 08:10  Mei@mp pays 28.00 for t-1 [arrives 2026-03-02 08:12]
          > counts: duplicate +1
        2026-03-03 08:10  order VP1 is refunded 10.00 by r1
          > Mei@mp clawback -10 spend@1, balance 18
        2026-03-03 08:10  t-1 is refunded 10.00 by r1-of-wechat
    """)


def test_where_there_is_no_transaction_the_order_tells_purchases_apart() -> None:
    play("""
        2026-03-02 08:00  order VP2 is refunded 5.00 by r2
          > counts: parked +1
        2026-03-02 08:10  Mei@mp pays 28.00 for order VP1
          > Mei@mp accrual +28 spend@1, balance 28
        2026-03-02 08:11  Mei@mp pays 12.00 for order VP2
          > Mei@mp accrual +12 spend@1, balance 40
          > Mei@mp clawback -5 spend@1, balance 35
          > counts: applied +2, parked -1
    """)


def test_an_app_which_moves_takes_its_people_along() -> None:
    play("""
        2026-03-01 08:10  Mei@mv pays 15.00 for t1
          > Mei@mv accrual +15 spend@1, balance 15
        2026-03-02 08:10  Mei@mv logs in as Mei
          > Mei@mv bound to Mei since 03-02 08:10 by session.logged_in
          > Mei@mv transfer_out -15 with Mei, balance 0
          > Mei transfer_in +15 with Mei@mv, balance 15
          > Mei accrual +5 welcome@1, balance 20
          > Mei offer issued: 20 until 03-09 08:10 for 1 purchase
        2026-03-03 08:10  Mei@mp pays 9.00 for t2
          > Mei@mp accrual +9 spend@1, balance 9
        2026-03-03 08:20  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-03 08:20 by session.logged_in
          > Mei@mp transfer_out -9 with Mei, balance 0
          > Mei transfer_in +9 with Mei@mp, balance 29
          > Mei offer withdrawn: superseded
          > Mei offer issued: 29 until 03-09 08:10 for 2 purchase
        2026-03-10 08:10  Mei@mv pays 1.00 for t3
          > at 03-08 08:10 Mei offer revised: 29 until 03-10 08:20 for 2 purchase
          > Mei accrual +1 spend@1, balance 30
          > Mei offer revised: 30 until 03-10 08:20 for 3 purchase
        2026-03-11 08:10  Mei@mv logs in as Mei
          > at 03-10 08:20 Mei offer lapsed
          > Mei@mv bound to Mei/group since 03-11 08:10 by session.logged_in (generation 2)
          > Mei transfer_out -16 with Mei/group, balance 14
          > Mei/group accrual +5 welcome@1, balance 5
          > Mei/group transfer_in +16 with Mei, balance 21
          > Mei/group offer issued: 21 until 03-18 08:10 for 2 purchase
        2026-03-09 23:59  Mei@mv logs in as Mei [arrives 2026-03-12 08:00]
        2026-03-12 08:10  Mei@mv pays 1.00 for t4
          > Mei/group accrual +1 spend@1, balance 22
          > Mei/group offer revised: 22 until 03-18 08:10 for 3 purchase
        2026-03-12 08:20  Mei@mp pays 1.00 for t5
          > Mei accrual +1 spend@1, balance 15
    """)


FORGOTTEN = """
        2026-03-01 08:10  Mei@old pays 15.00 for t1
          > Mei@old accrual +15 spend@1, balance 15
        2026-03-02 08:10  Mei-2@oa pays 9.00 for t2
          > Mei-2@oa accrual +9 spend@1, balance 9
"""


def test_to_forget_the_former_openid_is_to_forget_the_new_one() -> None:
    world = play(f"""{FORGOTTEN}
        2026-03-03 03:00  Mei-2@oa was Mei@old before
          > Mei-2@oa bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei-2@oa transfer_out -9 with aliases-of-Mei-2@oa, balance 0
          > Mei@old bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei@old transfer_out -15 with aliases-of-Mei-2@oa, balance 0
          > aliases-of-Mei-2@oa transfer_in +9 with Mei-2@oa, balance 9
          > aliases-of-Mei-2@oa transfer_in +15 with Mei@old, balance 24
        2026-03-04 08:10  Mei@old asks to be forgotten
          > aliases-of-Mei-2@oa expiry -24, balance 0
        2026-03-02 09:10  Mei-2@oa pays 9.00 for t3            [arrives 2026-03-05 08:00]
          > counts: refused +1
        2026-03-03 03:00  Mei-2@oa was Mei@old before [again] [arrives 2026-03-05 08:10]
          > counts: refused +1
    """)
    assert world.accounts() == {}


def test_and_so_it_is_when_the_change_is_heard_of_too_late() -> None:
    world = play(f"""{FORGOTTEN}
        2026-03-04 08:10  Mei@old asks to be forgotten
          > Mei@old expiry -15, balance 0
        2026-03-03 03:00  Mei-2@oa was Mei@old before          [arrives 2026-03-05 08:00]
          > Mei-2@oa bound to aliases-of-Mei-2@oa since 03-03 03:00 by openid.changed
          > Mei-2@oa transfer_out -9 with aliases-of-Mei-2@oa, balance 0
          > aliases-of-Mei-2@oa transfer_in +9 with Mei-2@oa, balance 9
          > aliases-of-Mei-2@oa expiry -9, balance 0
    """)
    assert world.accounts() == {}
