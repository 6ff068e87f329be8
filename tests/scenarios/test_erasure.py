# SPDX-License-Identifier: Apache-2.0
"""Erasure: a person asks to be forgotten, or has not been seen for years."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.ruleset import ConsentMode
from stream.engine.model.state import Erased
from tests.scenarios.brand import rules
from tests.scenarios.notation import at
from tests.scenarios.story import by, play

MEI = "union.brand.uMei"
KNOWN = """
        given 2026-03-02 08:00  Mei@mp pays 30.00 for t1
        given 2026-03-02 09:00  Mei@mp logs in as Mei
        given 2026-03-02 10:00  Mei@oa=Mei checks in with k1
        given 2026-03-02 11:00  Mei@mp shares /menu
        """


def test_the_profile_goes_with_all_its_origins_and_its_offer_ends() -> None:
    world = play(f"""{KNOWN}
        2026-03-03 09:00  Mei asks to be forgotten
          > Mei expiry -45, balance 0
          > Mei offer withdrawn: consent
    """)
    left = {key for key in world.entities if not key.startswith("erased.")}
    assert left == {"tx.t1"}  # the payment is for the sweep to find
    assert {key for key in world.entities if key.startswith("erased.")} == {
        "erased.union.brand.uMei",
        "erased.origin.wxmp.Mei",
        "erased.origin.wxoa.Mei",
    }


def test_it_does_not_matter_by_what_the_person_is_named() -> None:
    for who in ("Mei@mp", "Mei@oa", "Mei", "payer-of-t1", "Mei@mp=Mei"):
        world = play(f"""{KNOWN}
            2026-03-03 09:00  {who} asks to be forgotten
              > Mei expiry -45, balance 0
              > Mei offer withdrawn: consent
        """)
        assert not world.accounts()
        assert not world.binds()


def test_what_comes_again_is_refused_and_a_late_refund_finds_nobody() -> None:
    world = play(f"""{KNOWN}
        given 2026-03-03 09:00  Mei asks to be forgotten
        2026-03-02 08:00  Mei@mp pays 30.00 for t1 [again] [arrives 2026-03-04 09:00]
          > counts: refused +1
        2026-03-02 09:00  Mei@mp logs in as Mei [again] [arrives 2026-03-04 09:00]
          > counts: refused +1
        2026-03-02 12:00  Mei@oa=Mei checks in with k2 [arrives 2026-03-04 09:00]
          > counts: refused +1
        2026-03-04 10:00  t1 is refunded 30.00 by r1
          > counts: parked +1
        2026-03-03 09:00  Mei asks to be forgotten [again] [arrives 2026-03-05 09:00]
          > counts: refused +1
    """)
    assert not world.accounts()
    assert not world.binds()


def test_what_is_later_waits_for_a_new_consent_and_begins_at_zero() -> None:
    play(f"""{KNOWN}
        given 2026-03-03 09:00  Mei asks to be forgotten
        2026-03-04 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-04 09:00 by session.logged_in (generation 1772499600001)
          > counts: parked +1
        2026-03-04 10:00  Mei@mp pays 20.00 for t2
          > counts: parked +1
        2026-03-05 09:00  Mei grants consent
          > Mei accrual +20 spend@1, balance 20
          > Mei accrual +5 welcome@1, balance 25
          > Mei offer issued: 25 until 03-11 09:00 for 1 purchase
          > counts: applied +3, parked -2
    """)


def test_points_paid_out_stay_with_the_member() -> None:
    play(f"""{KNOWN}
        given 2026-03-03 08:00  Mei enrols as M1
        2026-03-03 09:00  Mei@mp asks to be forgotten
        2026-03-04 10:00  t1 is refunded 30.00 by r1
    """)


def test_what_was_parked_is_refused() -> None:
    by(rules(consent=ConsentMode.OPT_IN))("""
        given 2026-03-02 08:00  Mei@mp pays 30.00 for t1
        given 2026-03-02 09:00  Mei@mp logs in
        2026-03-03 09:00  Mei@mp asks to be forgotten
          > counts: applied +1, parked -2, refused +2
    """)


def test_an_origin_which_turns_out_to_be_the_erased_person_is_erased() -> None:
    world = play("""
        given 2026-03-02 08:00  Mei@oa=Mei checks in with k1
        given 2026-03-02 09:00  Mei@mp pays 30.00 for t1
        given 2026-03-03 09:00  Mei asks to be forgotten
        2026-03-02 10:00  Mei@mp logs in as Mei [arrives 2026-03-04 09:00]
          > Mei@mp bound to Mei since 03-02 10:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei expiry -30, balance 0
          > counts: refused +1
    """)
    assert not world.accounts()
    assert not world.binds()


def test_others_are_not_touched() -> None:
    play(f"""{KNOWN}
        given 2026-03-02 08:00  Li@mp pays 10.00 for t9
        given 2026-03-02 09:00  Li@mp logs in as Li
        given 2026-03-03 09:00  Mei asks to be forgotten
        2026-03-03 10:00  Li@mp pays 10.00 for t10
          > Li accrual +10 spend@1, balance 25
          > Li offer issued: 25 until 03-09 09:00 for 2 purchase
    """)


def test_a_request_for_data_changes_nothing() -> None:
    play(f"""{KNOWN}
        2026-03-03 09:00  Mei@oa asks for their data
        2026-03-03 09:01  payer-of-t1 asks for their data
    """)


def test_who_is_not_seen_for_years_and_never_joined_is_forgotten() -> None:
    book = replace(rules(), idle_days=800)
    world = by(book)("""
        given 2026-03-02 08:00  Mei@mp pays 30.00 for t1
        given 2026-03-02 09:00  Mei@mp logs in as Mei
        given 2026-03-02 08:00  Li@mp logs in as Li
        given 2026-03-02 09:00  Li enrols as M1
        given 2028-05-01 08:00  Mei@mp logs in
        given 2028-05-20 08:00  time passes
    """)
    assert set(world.accounts()) == {MEI, "union.brand.uLi"}
    world.advance(at("2030-07-10 07:59"))
    assert MEI in world.accounts()
    world.advance(at("2030-07-10 08:00"))
    assert set(world.accounts()) == {"union.brand.uLi"}  # a member stays one
    assert world.binds() == {"origin.wxmp.Li": "union.brand.uLi"}
    assert world._erased(MEI) == Erased(at("2028-05-01 08:00"), False, at("2030-07-10 08:00"))
