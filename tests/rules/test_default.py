# SPDX-License-Identifier: Apache-2.0
"""The files which are shipped, and the examples in the documentation."""

from __future__ import annotations

import logging
import re
import textwrap
from pathlib import Path

import pytest

from stream.brand.directory import load_apps
from stream.engine.model.facts import Fact
from stream.engine.model.fields import BASES, FIELDS
from stream.engine.model.ruleset import ConsentMode, Op, RuleBook, Value
from stream.engine.model.schedule import WEEKDAYS
from stream.engine.model.touchpoints import UNREWARDABLE, Touchpoint
from stream.engine.points.earning import earn
from stream.rules.class_model import (
    LevelEntry,
    LifecycleEntry,
    RfmEntry,
    SegmentsEntry,
    TagEntry,
    TiersEntry,
)
from stream.rules.festivals import FESTIVALS
from stream.rules.loader import load_rules, parse_rules
from stream.rules.model import (
    AudienceEntry,
    BenefitEntry,
    CampaignEntry,
    CapsEntry,
    EarnEntry,
    EffectEntry,
    GroupEntry,
    InvitationEntry,
    LifetimeEntry,
    OfferEntry,
    StepEntry,
    VersionEntry,
)
from stream.rules.nudge_model import NudgeEntry, NudgeLimitsEntry, WaitEntry
from stream.rules.schedule_model import ScheduleEntry, YearEntry

OTHERS = (AudienceEntry, EffectEntry, InvitationEntry, LifetimeEntry)
DOCS = Path(__file__).parents[2] / "docs" / "rules.md"
VERSION = "versions:\n  - version: 1\n    effective: 2026-01-01\n    consent: opt_in\n"
BREAKFAST_MS = 1_772_409_600_000  # 2026-03-02 08:00 in Shanghai


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_rules()


def test_the_shipped_rules_load_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        versions = load_rules().versions
    assert [v.version for v in versions] == [1, 2]
    assert caplog.messages == []


def test_the_shipped_rules_reward_neither_shares_nor_follows(book: RuleBook) -> None:
    for version in book.versions:
        assert not UNREWARDABLE & version.by_touchpoint.keys()
        assert version.consent is ConsentMode.OPT_IN
        assert all(Touchpoint.FOLLOW in block.triggers for block in version.offers)


def test_the_second_version_keeps_the_ids_of_rules_and_changes_some(book: RuleBook) -> None:
    first, second = book.versions
    assert second.rules.keys() - first.rules.keys() == {"five_days_of_sport", "birthday_gift"}
    assert first.rules.keys() < second.rules.keys()
    assert first.rules != second.rules
    assert book.at(second.effective_ms - 1) is first
    assert book.at(second.effective_ms) is second


def test_the_shipped_texts_can_be_filled_in(book: RuleBook) -> None:
    for version in book.versions:
        for language, text in version.offers[-1].text.items():
            spoken = text.format(points="1,024", reasons="REASONS", benefits="BENEFITS")
            assert all(word in spoken for word in ("1,024", "REASONS", "BENEFITS"))
            for reason in version.reason_text[language].values():
                assert "37" in reason.format(count=37)


def fact(touchpoint: Touchpoint, time: int, fields: dict[str, Value]) -> Fact:
    return Fact("key", "type", "event", time, touchpoint, fields)


def purchase(time: int, fen: int) -> Fact:
    fields: dict[str, Value] = {"total_fen": fen, "payer_total_fen": fen}
    return fact(Touchpoint.PURCHASE, time, fields)


def test_breakfast_of_a_few_days_reaches_the_threshold(book: RuleBook) -> None:
    rules = book.at(BREAKFAST_MS - 86_400_000)
    assert rules is not None
    day_before = purchase(BREAKFAST_MS - 86_400_000, 1850)
    assert sorted(earn(rules, day_before)) == [("first_purchase", 200), ("till_purchase", 185)]
    breakfast_weeks = purchase(BREAKFAST_MS, 1850)
    assert sorted(earn(rules, breakfast_weeks)) == [("first_purchase", 200), ("till_purchase", 370)]
    assert 200 + 3 * 185 < rules.offers[-1].threshold_points <= 200 + 6 * 185


@pytest.mark.parametrize(("fen", "welcomed"), [(1, False), (499, False), (500, True)])
@pytest.mark.parametrize("day", [-86_400_000, 200 * 86_400_000])
def test_a_first_purchase_is_five_yuan(book: RuleBook, fen: int, welcomed: bool, day: int) -> None:
    """Net of refunds: of a payment of 100 yuan with 99.99 given back a cent is left."""
    time = BREAKFAST_MS + day
    earned = dict(earn(book.at(time), purchase(time, fen)))
    assert ("first_purchase" in earned) is welcomed


@pytest.mark.parametrize(("watched_s", "earned"), [(299, []), (300, [("live_stream_watched", 30)])])
def test_a_live_stream_earns_from_five_minutes_on(
    book: RuleBook, watched_s: int, earned: list[tuple[str, int]]
) -> None:
    watched = fact(Touchpoint.LIVE_STREAM, BREAKFAST_MS, {"watched_s": watched_s})
    assert earn(book.at(BREAKFAST_MS), watched) == earned


def test_every_touchpoint_has_fields_and_rates_name_some_of_them() -> None:
    assert FIELDS.keys() == set(Touchpoint)
    assert all(fields["appid"] is str for fields in FIELDS.values())
    for touchpoint, bases in BASES.items():
        assert all(FIELDS[touchpoint][base] is int for base in bases)


def examples() -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.M | re.S)


def test_the_documentation_has_examples() -> None:
    assert len(examples()) >= 6


@pytest.mark.parametrize("example", examples(), ids=lambda text: text.split("\n")[1].strip())
def test_each_example_in_the_documentation_is_valid(example: str) -> None:
    whole = (
        example if example.startswith("versions:") else VERSION + textwrap.indent(example, "    ")
    )
    assert parse_rules(whole, "docs").versions[0].rules


def test_the_documentation_names_every_setting_field_and_comparison() -> None:
    named = set(re.findall(r"`([^`\n]+)`", DOCS.read_text(encoding="utf-8")))
    models = (
        *(VersionEntry, EarnEntry, CapsEntry, GroupEntry, StepEntry, CampaignEntry),
        *(ScheduleEntry, YearEntry, OfferEntry, BenefitEntry, *OTHERS),
        *(TiersEntry, LevelEntry, SegmentsEntry, LifecycleEntry, RfmEntry, TagEntry),
        *(NudgeEntry, WaitEntry, NudgeLimitsEntry),
    )
    for model in models:
        assert {f.alias or name for name, f in model.model_fields.items()} <= named
    assert {*Op, *FESTIVALS, *WEEKDAYS} <= named
    for touchpoint, fields in FIELDS.items():
        row = re.search(rf"^\| `{touchpoint.label}` \|(.*)\|$", DOCS.read_text("utf-8"), re.M)
        assert row is not None
        assert set(re.findall(r"`([\w.]+)`", row[1])) == fields.keys() - {"appid"}


def test_the_sample_directory_tells_the_brands_apart() -> None:
    directory = load_apps()
    assert directory.open_account("wx1a2b3c4d5e6f7a03") == "abc-brand"
    assert directory.open_account("wx9f8e7d6c5b4a3b02") == "fit-brand"
    assert directory.open_account("wx8888000011112222") is None
