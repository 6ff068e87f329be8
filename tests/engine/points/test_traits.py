# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from stream.engine.model.classes import ClassPolicy
from stream.engine.model.decision import Publish
from stream.engine.model.ruleset import ConsentMode, ControlGroup, RuleBook
from stream.engine.model.state import Account, Answer, Consent, OriginFacts, Standing, Told
from stream.engine.model.touches import SEEN_EVENT, Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.traits import announce, retract
from tests.engine.build import MEI, ORIGIN, cause
from tests.support.books import FIRST, HOUR, POLICY, START

COOL = replace(POLICY, cooldown_ms=HOUR)


def book(policy: ClassPolicy | None = COOL, **changes: Any) -> RuleBook:
    return RuleBook((replace(FIRST, classes=policy, **changes),))


def view(tier: str = "", lifecycle: str = "prospect", rfm: str = "", *tags: str) -> AccountView:
    standing = Standing(tier, lifecycle, rfm, [*tags], [START - 5, START - 4, START - 3, START - 2])
    standing.spent = 4_200
    return AccountView(standing=standing, classes=standing.classes)


def said(outputs: list[Publish]) -> list[str]:
    words = []
    for output in outputs:
        d = output.data
        change = f"{d.get('from', '-')} to {d.get('to', '-')}" if "tags" not in d else d["tags"]
        words.append(f"{output.type.split('.')[0]}: {change} {d.get('reason', '')}".strip())
    return words


def test_every_class_is_told_once() -> None:
    account, now = Account(), view("gold", "active", "534", "vip")
    outputs = announce(account, now, book(), cause(START))
    assert [o.data["revision"] for o in outputs] == [1, 2, 3]
    assert len({o.id for o in outputs}) == 3
    assert outputs[0].data == {
        "consumer_id": MEI,
        "revision": 1,
        "to": "gold",
        "since": "2026-02-28T15:59:59.995Z",
        "as_of": "2026-02-28T16:00:00.000Z",
        "ruleset_version": 1,
        "spent_fen": 4_200,
        "next": "platinum",
        "missing_fen": 4_800,
    }
    assert said(outputs)[1:] == [
        "segment: {} to {'rfm': '534', 'lifecycle': 'active'}",
        "tags: ['vip']",
    ]
    assert outputs[1].data["since"] == "2026-02-28T15:59:59.997Z"
    assert announce(account, now, book(), cause(START)) == []


def test_a_prospect_without_tags_is_nothing_to_tell() -> None:
    account = Account()
    assert announce(account, view(), book(), cause(START)) == []
    assert account.told is None


def test_a_cool_down_delays_segments_and_tags_but_no_level() -> None:
    account = Account()
    announce(account, view("gold", "active", "534", "vip"), book(), cause(START))
    fallen = view("", "cooling", "434")
    assert said(announce(account, fallen, book(), cause(START + 1))) == ["tier: gold to -"]
    assert fallen.next_change == START + HOUR
    assert said(announce(account, fallen, book(), cause(START + HOUR))) == [
        "segment: {'rfm': '534', 'lifecycle': 'active'} to {'rfm': '434', 'lifecycle': 'cooling'}",
        "tags: []",
    ]


def test_what_is_undone_within_the_cool_down_is_never_told() -> None:
    account, now = Account(), view("", "active", "534")
    announce(account, now, book(), cause(START))
    assert announce(account, view("", "active", "544"), book(), cause(START + 1)) == []
    assert announce(account, now, book(), cause(START + 2 * HOUR)) == []


WITHDRAWN = ["tier: gold to - {0}", "segment: {{'lifecycle': 'new'}} to - {0}", "tags: [] {0}"]


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        (book(consent=ConsentMode.OPT_IN), "consent"),
        (book(None), "rules"),
        (RuleBook(()), "rules"),
    ],
)
def test_what_may_not_be_said_is_taken_back(book: RuleBook, reason: str) -> None:
    told = Told("gold", "new", "", ["vip"])
    account = Account(told=told, traits=7)
    outputs = announce(account, view("gold", "new", "", "vip"), book, cause(START))
    assert said(outputs) == [words.format(reason) for words in WITHDRAWN]
    assert [o.data["revision"] for o in outputs] == [8, 9, 10]
    assert (account.told, retract(account, cause(START), reason)) == (None, [])


def test_a_withdrawal_of_consent_is_a_reason_and_a_grant_tells_anew() -> None:
    account, gold = Account(), view("gold")
    announce(account, gold, book(), cause(START))
    gold.consents = [Consent(START, Answer.WITHDRAWN)]
    assert said(announce(account, gold, book(), cause(START + 1))) == ["tier: gold to - consent"]
    gold.consents = []
    assert said(announce(account, gold, book(), cause(START + 2))) == ["tier: - to gold"]


def test_a_tier_which_the_rules_drop_is_told_so_and_other_classes_stay() -> None:
    account = Account(told=Told("gold"))
    outputs = announce(account, view(), book(replace(COOL, tiers=None)), cause(START))
    assert said(outputs) == ["tier: gold to - rules"]


def test_who_is_highest_misses_nothing_and_is_marked_in_an_experiment() -> None:
    spring = msgspec.structs.replace(cause(START), control=ControlGroup("spring", 100))
    (output,) = announce(Account(), view("platinum"), book(), spring)
    assert (output.data["experiment"], output.data["group"]) == ("spring", "control")
    assert "next" not in output.data
    assert "missing_fen" not in output.data


def test_a_purchase_ahead_of_the_clock_is_told_when_it_is_time() -> None:
    facts = OriginFacts()
    ahead = Touch(START + HOUR, Touchpoint.PURCHASE, [], 0, SEEN_EVENT, fen=2_000)
    facts.touches.add(b"t1", ahead)
    account, rules = Account({ORIGIN: facts}), book(POLICY)
    early = evaluate(account, rules, START)
    assert said(announce(account, early, rules, cause(START))) == ["tags: ['plain']"]
    assert early.next_change == START + HOUR
    now = evaluate(account, rules, START + HOUR)
    assert said(announce(account, now, rules, cause(START + HOUR))) == [
        "tier: - to bronze",
        "segment: {} to {'rfm': '523', 'lifecycle': 'new'}",
    ]
