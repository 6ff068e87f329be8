# SPDX-License-Identifier: Apache-2.0
"""What a rule file means, to the last fraction and millisecond."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import DAY_MS, day_of, start_of
from stream.engine.model.ruleset import (
    Audience,
    Benefit,
    Campaign,
    Caps,
    Condition,
    ConsentMode,
    ControlGroup,
    EarningRule,
    InvitationPolicy,
    Invited,
    OfferBlock,
    Op,
    Rate,
    Rounding,
    RuleBook,
    RuleSet,
)
from stream.engine.model.touchpoints import Touchpoint
from stream.rules.loader import parse_rules

FULL = """\
versions:
  - version: 3
    effective: 2026-01-01
    consent: opt_in
    expiry_days: 365
    earn:
      - id: till
        touchpoint: purchase
        points_per_yuan: 0.1
        base: total_fen
        rounding: half_up
        caps: {day: 5, lifetime: 50}
        when:
          trade_type: {in: [JSAPI, MICROPAY], ne: APP}
          total_fen: {gte: 100}
      - {id: order, touchpoint: order, points_per_yuan: "1.005"}
      - {id: first, touchpoint: check_in, points: 7, first_time: yes, when: {list_id: "1"}}
    campaigns:
      - {id: week, from: 2026-03-02, to: 2026-03-08, multiplier: 1.1, rules: [till],
         caps: {day: 4, month: 30}}
      - {id: night, from: 2026-03-02 18:00, to: "2026-03-02T15:30:30Z", multiplier: 3, budget: 9}
    offers:
      - id: checkout
        for: {apps: [wx1, wx2], open_accounts: [brand]}
        threshold_points: 10
        triggers: [follow, share]
        silent_days: 90
        lifetime: {minutes: 30}
        cooldown_hours: 3
        benefits:
          - id: gift
            from_points: 20
            text: {zh-CN: 礼品, en: a gift}
            effect: {fen_off: 500}
            code: stock-1
        text: {zh-CN: "{points}分", en: "{points} points"}
        short_text: {zh-CN: "{points}分!", en: "{points}!"}
    control_group: {experiment: spring_2026, percent: 4}
    reasons: {zh-CN: {check_in: "{count}次"}, en: {check_in: "{count} x"}}
    invitation:
      to: threshold
      triggers: [follow]
      lifetime: {hours: 36}
      text: {zh-CN: "同意？", en: "Agree?"}
      short_text: {zh-CN: 看看, en: Look}
"""


def ms(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc,arg-type]


def one_rule(settings: str) -> EarningRule:
    text = "versions: [{version: 1, effective: 2026-01-01, consent: opt_in, earn: [{id: a, %s}]}]"
    return parse_rules(text % settings, "f").versions[0].rules["a"]


def one_campaign(start: str, end: str) -> Campaign:
    text = (
        "versions: [{version: 1, effective: 2011-01-01, consent: opt_in, earn: [],"
        f" campaigns: [{{id: c, from: '{start}', to: '{end}', multiplier: 2}}]}}]"
    )
    return parse_rules(text, "f").versions[0].campaigns[0]


def test_a_file_becomes_exactly_these_values() -> None:
    till = EarningRule(
        id="till",
        touchpoint=Touchpoint.PURCHASE,
        rate=Rate(Fraction(1, 10), "total_fen", Rounding.HALF_UP),
        caps=Caps(day=5, lifetime=50),
        when=(
            Condition("trade_type", Op.IN, ("JSAPI", "MICROPAY")),
            Condition("trade_type", Op.NE, "APP"),
            Condition("total_fen", Op.GTE, 100),
        ),
    )
    rate = Rate(Fraction(1005, 1000), "total_fen")
    order = EarningRule(id="order", touchpoint=Touchpoint.ORDER, rate=rate)
    first = EarningRule(
        id="first",
        touchpoint=Touchpoint.CHECK_IN,
        points=7,
        first_time=True,
        when=(Condition("list_id", Op.EQ, "1"),),
    )
    week = Campaign(
        id="week",
        starts_ms=ms(2026, 3, 1, 16),
        ends_ms=ms(2026, 3, 8, 16),
        multiplier=Fraction(11, 10),
        rules=frozenset({"till"}),
        caps=Caps(day=4, month=30),
    )
    night = Campaign("night", ms(2026, 3, 2, 10), ms(2026, 3, 2, 15, 30, 30), Fraction(3), budget=9)
    checkout = OfferBlock(
        id="checkout",
        threshold_points=10,
        triggers=frozenset({Touchpoint.FOLLOW, Touchpoint.SHARE}),
        lifetime_ms=30 * 60_000,
        cooldown_ms=3 * 3_600_000,
        text={"zh-CN": "{points}分", "en": "{points} points"},
        short_text={"zh-CN": "{points}分!", "en": "{points}!"},
        benefits=(
            Benefit("gift", 20, {"zh-CN": "礼品", "en": "a gift"}, {"fen_off": 500}, "stock-1"),
        ),
        silent_days=90,
        audience=Audience(frozenset({"wx1", "wx2"}), frozenset({"brand"})),
    )
    invitation = InvitationPolicy(
        to=Invited.THRESHOLD,
        triggers=frozenset({Touchpoint.FOLLOW}),
        lifetime_ms=36 * 3_600_000,
        cooldown_ms=30 * DAY_MS,
        text={"zh-CN": "同意？", "en": "Agree?"},
        short_text={"zh-CN": "看看", "en": "Look"},
    )
    assert parse_rules(FULL, "f") == RuleBook(
        (
            RuleSet(
                version=3,
                effective_ms=ms(2025, 12, 31, 16),
                rules={"till": till, "order": order, "first": first},
                campaigns=(week, night),
                expiry_days=365,
                consent=ConsentMode.OPT_IN,
                offers=(checkout,),
                reason_text={"zh-CN": {"check_in": "{count}次"}, "en": {"check_in": "{count} x"}},
                control_group=ControlGroup("spring_2026", 4),
                invitation=invitation,
            ),
        )
    )


def test_what_is_left_out_has_its_stated_default() -> None:
    rule = one_rule("touchpoint: purchase, points_per_yuan: 1")
    assert rule == EarningRule(
        id="a",
        touchpoint=Touchpoint.PURCHASE,
        rate=Rate(Fraction(1), "payer_total_fen", Rounding.DOWN),
    )
    assert not rule.first_time
    text = "versions: [{version: 1, effective: 2026-01-01, consent: opt_out, earn: []}]"
    version = parse_rules(text, "f").versions[0]
    assert (version.expiry_days, version.campaigns, version.offers) == (None, (), ())
    assert version.consent is ConsentMode.OPT_OUT


@given(
    st.decimals(min_value="0.000001", max_value=10_000, places=6), st.sampled_from(["{}", "'{}'"])
)
def test_a_rate_is_exact_with_and_without_quotes(rate: Decimal, written: str) -> None:
    rule = one_rule(f"touchpoint: purchase, points_per_yuan: {written.format(f'{rate:f}')}")
    assert rule.rate is not None
    assert rule.rate.points_per_yuan == Fraction(rate)


@given(st.dates(min_value=datetime(2011, 1, 2).date(), max_value=datetime(2100, 12, 30).date()))
def test_days_begin_at_midnight_in_shanghai_and_the_last_one_counts(day: object) -> None:
    campaign = one_campaign(str(day), str(day))
    assert campaign.starts_ms == start_of(day_of(campaign.starts_ms))
    assert campaign.ends_ms == campaign.starts_ms + DAY_MS
    shanghai = datetime.fromtimestamp(campaign.starts_ms // 1000 + 8 * 3600, tz=UTC)
    assert shanghai.isoformat() == f"{day}T00:00:00+00:00"


def test_times_without_a_zone_are_shanghais() -> None:
    local = one_campaign("2026-05-01T18:00", "2026-05-01T23:30:30")
    zoned = one_campaign("2026-05-01T10:00Z", "2026-05-01T16:30:30+01:00")
    assert (local.starts_ms, local.ends_ms) == (zoned.starts_ms, ms(2026, 5, 1, 15, 30, 30))
    assert local == zoned


def test_an_override_allows_rewarding_a_share_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "versions:\n"
        "  - {version: 1, effective: 2026-01-01, consent: opt_in, allow_rewarding: [share],\n"
        "     earn: [{id: a, touchpoint: share, points: 5}]}\n"
    )
    with caplog.at_level(logging.WARNING):
        book = parse_rules(text, "f")
    assert book.versions[0].rules["a"].touchpoint is Touchpoint.SHARE
    assert caplog.messages == [
        "f:3:33: versions[0].earn[0].touchpoint: rewards a share, which WeChat forbids;"
        " the account may be blocked for it"
    ]
