# SPDX-License-Identifier: Apache-2.0
"""The text of a live offer, from an engine in this process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from stream.engine.model.ruleset import (
    ConsentMode,
    ControlGroup,
    InvitationPolicy,
    Invited,
    RuleBook,
)
from stream.engine.model.touchpoints import Touchpoint
from stream.gateway import live_offers as module
from stream.gateway.account_lookup import AccountLookup
from stream.gateway.live_offers import LiveOffers
from stream.tables import MemoryTables
from tests.gateway.endpoints.build import APP, MEI, NOW_MS, payment
from tests.gateway.engine import Engine
from tests.gateway.test_account_lookup import LOGIN, said
from tests.scenarios import brand

DAY = 86_400_000
PAID = said("payment.succeeded.v1", payment(amount={"total": 6000, "payer_total": 6000}))
FOLLOWED = said("account.followed.v1", {"appid": APP, "openid": MEI[1]}, NOW_MS + 1_000)
GRANTED = said(
    "consent.granted.v1",
    {
        "appid": APP,
        "openid": MEI[1],
        "text_version": "1",
        "channel": "oa",
    },
    NOW_MS + 2_000,
)
ZH = "立即注册，领取 60 积分！1 次消费。另赠：咖啡一杯。"


def offers_of(engine: Engine, **more: Any) -> LiveOffers:
    return LiveOffers(engine.accounts, lambda: engine.local.clock_ms, **more)


def result(engine: Engine) -> str:
    """The text that was last announced to the CRM."""
    value = engine.local.outputs["shadow.offers"][-1].value
    assert value is not None
    return str(orjson.loads(value)["text"]["zh-CN"])


async def test_who_pays_and_follows_has_an_offer_in_words() -> None:
    engine = Engine()
    await engine([PAID])
    assert await offers_of(engine).text(*MEI, 0.0) is None

    await engine([FOLLOWED])
    assert await offers_of(engine).text(*MEI, 0.0) == ZH == result(engine)
    english = offers_of(engine, language="en")
    assert await english.text(*MEI, 0.0) == (
        "Sign up now for 60 points: purchases: 1. On top: a coffee."
    )


async def test_who_has_not_answered_gets_the_invitation_in_words_until_the_answer() -> None:
    text = {"zh-CN": "有一份心意在等您。", "en": "Something of yours is waiting."}
    follow = frozenset({Touchpoint.FOLLOW})
    ask = InvitationPolicy(Invited.EVERYBODY, follow, 7 * DAY, 30 * DAY, text, text)
    engine = Engine(brand.rules(consent=ConsentMode.OPT_IN, invitation=ask))
    await engine([PAID, FOLLOWED])
    assert await offers_of(engine).text(*MEI, 0.0) == text["zh-CN"] == result(engine)
    assert await offers_of(engine, language="en").text(*MEI, 0.0) == text["en"]

    await engine([GRANTED])
    assert await offers_of(engine).text(*MEI, 0.0) == ZH


async def test_the_offer_is_the_persons_whichever_app_she_comes_by() -> None:
    engine = Engine()
    await engine([PAID, LOGIN, FOLLOWED])

    text = await offers_of(engine).text(*MEI, 0.0)
    assert text == result(engine)
    assert "65 积分" in text


async def test_an_offer_that_comes_within_the_window_is_waited_for() -> None:
    engine = Engine(lags=True)
    await engine([PAID, FOLLOWED])
    waiting = asyncio.create_task(offers_of(engine).text(*MEI, 5.0))
    await asyncio.sleep(0.2)
    assert not waiting.done()

    await engine.settle()
    assert await waiting == ZH


async def test_without_an_offer_the_window_closes() -> None:
    engine = Engine()
    assert await offers_of(engine).text(*MEI, 0.2) is None

    await engine([FOLLOWED])
    assert await offers_of(engine).text(*MEI, 0.2) is None


@pytest.mark.parametrize(
    "book",
    [
        brand.rules(consent=ConsentMode.OPT_IN),
        brand.rules(control_group=ControlGroup("spring", 100)),
        brand.offers(threshold_points=61),
        brand.rules(offers=()),
    ],
)
async def test_an_account_without_an_offer_has_no_text(book: RuleBook) -> None:
    engine = Engine(book)
    await engine([PAID, FOLLOWED])

    assert await offers_of(engine).text(*MEI, 0.0) is None


async def test_a_member_has_no_offer() -> None:
    engine = Engine()
    enrolled = {"member_id": "m-1", "appid": APP, "openid": MEI[1]}
    await engine([PAID, FOLLOWED, said("member.enrolled.v1", enrolled, NOW_MS + 2_000)])

    assert await offers_of(engine).text(*MEI, 0.0) is None


async def test_an_offer_that_has_expired_is_not_shown_even_before_it_lapses() -> None:
    engine = Engine()
    await engine([PAID, FOLLOWED])
    engine.local.clock_ms = NOW_MS + 8 * DAY

    assert await offers_of(engine).text(*MEI, 0.0) is None


async def test_an_offer_is_shown_only_while_it_is_what_signing_up_would_pay() -> None:
    """New rules with other benefits: no reply has them until they are announced to the CRM."""
    engine = Engine()
    await engine([PAID, FOLLOWED])
    first, starts = engine.book.versions[0], engine.local.clock_ms + 600_000
    fewer = replace(brand.OFFERS, benefits=())
    later = replace(first, version=2, effective_ms=starts, offers=(fewer,))
    engine.local.rule(replace(engine.book, versions=(first, later)))
    await engine.settle()
    assert await offers_of(engine).text(*MEI, 0.0) == ZH

    engine.local.clock_ms = starts
    assert await offers_of(engine).text(*MEI, 0.0) is None


async def test_a_text_too_long_for_a_reply_is_none() -> None:
    text = {"zh-CN": "分" * 700 + "{points}", "en": "{points}"}
    engine = Engine(brand.offers(text=text))
    await engine([PAID, FOLLOWED])

    assert await offers_of(engine).text(*MEI, 0.0) is None
    assert await offers_of(engine, language="en").text(*MEI, 0.0) == "60"
    assert await offers_of(engine, language="fr").text(*MEI, 0.0) is None


async def test_more_than_so_many_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 1)
    offers = offers_of(Engine())
    waiting = asyncio.create_task(offers.text(*MEI, 5.0))
    await asyncio.sleep(0.05)

    assert await offers.text(*MEI, 60.0) is None
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await offers.text(*MEI, 0.0) is None


async def test_a_redis_that_is_away_is_no_offer() -> None:
    class Silent(MemoryTables):
        async def load(self, wanted: Any) -> dict[str, bytes]:
            await asyncio.sleep(60)
            return {}

    accounts = AccountLookup(Silent(4), 4)
    offers = LiveOffers(accounts, lambda: NOW_MS)

    assert await offers.text(*MEI, 0.1) is None
