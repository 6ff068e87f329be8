# SPDX-License-Identifier: Apache-2.0
"""Who has not answered is invited to; the steps from there to the payout name one another."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.ruleset import ConsentMode, InvitationPolicy, Invited, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import rules
from tests.scenarios.story import by
from tests.support.books import DAY

ASK = InvitationPolicy(
    to=Invited.EVERYBODY,
    triggers=frozenset({Touchpoint.FOLLOW, Touchpoint.LOGIN}),
    lifetime_ms=7 * DAY,
    cooldown_ms=30 * DAY,
    text={"zh-CN": "有一份心意在等您。", "en": "Something of yours is waiting."},
    short_text={"zh-CN": "有一份心意", "en": "Yours"},
)


def asking(to: Invited = Invited.EVERYBODY) -> RuleBook:
    return rules(consent=ConsentMode.OPT_IN, invitation=replace(ASK, to=to))


def test_an_invitation_is_followed_by_consent_offer_and_payout() -> None:
    world = by(asking())("""
        2026-03-02 08:00  Mei@oa pays 30.00 for t1
          > counts: parked +1
        2026-03-02 09:00  Mei@oa follows
          > Mei@oa invited to consent until 03-09 09:00, by follower, service window
          > counts: parked +1
        2026-03-02 10:00  Mei@oa grants consent
          > Mei@oa accrual +30 spend@1, balance 30
          > Mei@oa invitation closed: granted
          > Mei@oa offer issued: 30 until 03-09 09:00 for 1 purchase
          > counts: applied +3, parked -2
        2026-03-02 11:00  Mei@oa enrols as M1
          > Mei@oa payout -30, balance 0
          > Mei@oa payout of 30 points to M1
          > Mei@oa offer accepted: 30 by M1
    """)
    said = {output.type: output.data for output in world.published}
    invited, offered = said["consent.invited.v1"], said["offer.issued.v1"]
    assert said["consent.invitation_closed.v1"]["invitation_id"] == invited["invitation_id"]
    assert offered["invitation_id"] == invited["invitation_id"]
    assert said["payout.issued.v1"]["offer_id"] == offered["offer_id"]
    assert not {"points", "reasons"} & {*invited}


def test_one_comes_in_the_cool_down_and_none_after_an_answer() -> None:
    by(asking())("""
        2026-03-02 08:00  Mei@mp logs in
          > Mei@mp invited to consent until 03-09 08:00, by mini program
          > counts: parked +1
        2026-03-03 08:00  Mei@mp logs in
          > counts: parked +1
        2026-04-02 08:00  Mei@mp logs in
          > Mei@mp invited to consent until 04-09 08:00, by mini program
          > counts: parked +1
        2026-04-03 08:00  Mei@mp withdraws consent
          > Mei@mp invitation closed: withdrawn
          > counts: applied +1, parked -3, refused +3
        2026-06-03 08:00  Mei@mp logs in
          > counts: refused +1
    """)


def test_by_threshold_only_those_are_invited_to_whom_it_brings_an_offer() -> None:
    by(asking(Invited.THRESHOLD))("""
        2026-03-02 08:00  Mei@mp logs in
          > counts: parked +1
        2026-03-02 09:00  Mei@mp pays 30.00 for t1
          > Mei@mp invited to consent until 03-09 08:00, by mini program
          > counts: parked +1
        2026-03-02 10:00  Mei@mp logs in
          > counts: parked +1
    """)
