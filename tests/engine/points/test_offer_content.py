# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.ruleset import Benefit, EarningRule, OfferBlock, RuleBook
from stream.engine.model.state import Account, OriginFacts
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView
from stream.engine.points.offer_content import (
    Reason,
    addressee,
    reasons_of,
    short_number,
    trigger,
    words,
)
from stream.engine.points.signup_offers import announce
from tests.engine.build import MEI, ORIGIN, cause
from tests.engine.points.offering import view
from tests.support.books import FIRST, GOALS, OFFERS, START

COUNTS = Counter({int(Touchpoint.PURCHASE): 37, int(Touchpoint.LOGIN): 2, int(Touchpoint.SCAN): 2})


def texts(block: OfferBlock, **version: Any) -> Iterator[str]:
    rules = RuleBook((replace(FIRST, offers=(block,), **version),))
    (offer,) = announce(Account(), view(10_240, touches=COUNTS), rules, cause())
    yield offer.data["text"]["zh-CN"]
    yield offer.data["text"]["en"]


def test_texts_list_all_reasons_by_number_when_the_rules_name_none() -> None:
    assert list(texts(OFFERS)) == [
        "注册领取 10,240 积分：37 × purchase、2 × scan、2 × login",
        "Sign up for 10,240: 37 × purchase, 2 × scan, 2 × login",
    ]


def test_texts_say_what_the_rules_have_words_for() -> None:
    said = {"zh-CN": {"purchase": "{count} 次消费"}, "en": {"login": "{count} visits"}}
    assert list(texts(OFFERS, reason_text=said)) == [
        "注册领取 10,240 积分：37 次消费、2 × login",
        "Sign up for 10,240: 37 × purchase, 2 visits",
    ]


# points of reasons --------------------------------------------------------------------------------

RULES = GOALS.versions[0]
names = st.sampled_from([f"{rule}@{v.version}" for v in GOALS.versions for rule in v.rules])
amounts = st.dictionaries(names, st.integers(0, 900))


@given(amounts, st.lists(st.sampled_from(["purchase", "login"]), unique=True), st.randoms())
def test_the_points_of_all_reasons_and_the_others_are_the_offers(
    granted: dict[str, int], spoken: list[str], random: Any
) -> None:
    expired = {name: random.randint(0, points) for name, points in granted.items()}
    of = AccountView(granted=granted, expired=expired, touches={1: 2, 8: 1, 17: 1, 9: 4})
    rules = replace(RULES, reason_text={"en": dict.fromkeys(spoken, "{count}")})
    reasons, rest = reasons_of(of, rules, GOALS)
    assert sum(reason.points for reason in reasons) + rest == of.payable
    assert all(reason.points >= 0 for reason in reasons)
    assert rest >= 0


def test_points_are_their_rules_touchpoints_and_of_several_nobodys() -> None:
    """By the version in force when they were granted; a challenge has no one touchpoint."""
    moved = replace(FIRST, rules={"spend": EarningRule("spend", Touchpoint.LOGIN, 5)}, version=2)
    book = RuleBook((GOALS.versions[0], moved))
    granted = {"spend@1": 7, "spend*double@1": 3, "spend@2": 5, "all@1": 23, "gone@9": 2}
    of = AccountView(granted=granted, expired={"spend@1": 4}, touches={1: 2, 8: 1})
    assert reasons_of(of, FIRST, book) == ([Reason("purchase", 2, 6), Reason("login", 1, 5)], 25)


# who, when, with what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "known"),
    [
        (MEI, {"unionid": "uMei", "open_account": "brand"}),
        (ORIGIN, {}),
        ("union.wxmp.oMei", {}),  # by aliases: called like the origin
    ],
)
def test_a_union_id_is_said_where_there_is_one(key: str, known: dict[str, str]) -> None:
    body = addressee(Account({ORIGIN: OriginFacts()}), cause(key=key), FIRST)
    assert {name: body[name] for name in body if name in ("unionid", "open_account")} == known
    assert body["origins"] == [{"appid": "wxmp", "openid": "oMei"}]


def test_the_event_of_a_trigger_is_known_while_it_is_taken_in() -> None:
    said = {"time": "2026-02-28T16:00:00.000Z", "touchpoint": "login"}
    mine = caused_by(touchpoint=8, time=START)
    assert trigger(8, START, mine) == said | {"event_id": "c1"}
    assert trigger(8, START, caused_by(touchpoint=1, time=START)) == said
    assert trigger(8, START, cause()) == said
    assert trigger(0, START, cause()) == {"time": said["time"]}  # silence


def caused_by(**changes: int) -> Any:
    return msgspec.structs.replace(cause(), **changes)


def test_a_benefit_says_what_it_does_and_what_the_crm_calls_it() -> None:
    text = {"zh-CN": "礼品", "en": "a gift"}
    bag = Benefit("bag", 40, text, {"gifts": 1}, "SKU-9")
    block = replace(OFFERS, benefits=(bag, Benefit("cup", 1, text), Benefit("car", 900, text)))
    account = Account()
    book = RuleBook((replace(FIRST, offers=(block,)),))
    announce(account, view(50), book, cause())
    assert account.last_offer is not None
    said = words(block, FIRST, account.last_offer, [], 50)
    assert said["benefits"] == [
        {"id": "bag", "text": text, "effect": {"gifts": 1}, "code": "SKU-9"},
        {"id": "cup", "text": text},
    ]


@pytest.mark.parametrize(
    ("points", "said"),
    [(1, "1"), (9_999_999, "9,999,999"), (10_000_000, "9,999,999+"), (2**53 - 1, "9,999,999+")],
)
def test_a_short_number_stays_short(points: int, said: str) -> None:
    assert short_number(points) == said
