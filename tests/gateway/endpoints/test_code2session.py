# SPDX-License-Identifier: Apache-2.0
"""code2Session against a stand-in for WeChat over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from schemas.mini_program import SessionLoggedIn
from stream.gateway.endpoints.code2session import logged_in
from stream.gateway.json_http_client import JsonClient
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import APP, MEI
from tests.services.wechat import CODE2SESSION, WeChat
from tests.support.cases import each

SECRET = "0123456789abcdef0123456789abcdef"
CODE = "0e1Wvs0w3ZyQmT2Zex0w3vpAGp1Wvs0R"


@dataclass
class Place:
    wechat: WeChat
    fetcher: JsonClient

    async def who(self) -> SessionLoggedIn:
        return await logged_in(self.fetcher, APP, SECRET, CODE)

    async def rejection(self) -> DeliveryRejected:
        with pytest.raises(DeliveryRejected) as caught:
            await self.who()
        return caught.value

    def answers(self, openid: Any = MEI[1], **more: Any) -> None:
        """What WeChat says of the code, in full."""
        self.wechat.answer_bytes(CODE2SESSION, orjson.dumps({"openid": openid} | more))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    with WeChat() as wechat:
        wechat.add_app(APP, SECRET).codes[CODE] = MEI[1]
        fetcher = JsonClient(wechat.url, timeout_s=0.5, patience_s=1.0)
        yield Place(wechat, fetcher)
        await fetcher.close()


async def test_a_code_names_a_person(place: Place) -> None:
    place.wechat.apps[APP].unionids[MEI[1]] = "uMei01"

    assert await place.who() == SessionLoggedIn(appid=APP, openid=MEI[1], unionid="uMei01")


@pytest.mark.parametrize("flag", [1, "1", True])
async def test_ids_shared_by_many_are_marked(place: Place, flag: Any) -> None:
    place.answers(is_snapshotuser=flag)

    assert (await place.who()).is_snapshot_user


@pytest.mark.parametrize("flag", [0, "0", False, None])
async def test_others_are_themselves(place: Place, flag: Any) -> None:
    place.answers(f" {MEI[1]}", unionid=" ", is_snapshotuser=flag, errcode=0)

    assert await place.who() == SessionLoggedIn(appid=APP, openid=MEI[1])


@pytest.mark.parametrize(
    ("reason", "errcode"),
    each(
        (RejectReason.UNAUTHORISED, 40029, 40163, 41008),
        (RejectReason.LIMITED, 45009, 45011),
        (RejectReason.NOT_ALLOWED, 40226),
        (RejectReason.UNAVAILABLE, 40125, "strange", None),
    ),
)
async def test_what_wechat_rejects_is_rejected(
    place: Place, errcode: Any, reason: RejectReason, caplog: pytest.LogCaptureFixture
) -> None:
    place.answers(errcode=errcode, errmsg="hints: [ req_id: oMei ]")
    rejection = await place.rejection()

    assert rejection.reason is reason
    assert "hints" not in rejection.message + caplog.text


async def test_a_busy_wechat_is_asked_once_more(place: Place) -> None:
    place.wechat.answer_code(CODE2SESSION, -1)
    assert (await place.who()).openid == MEI[1]

    place.wechat.answer_code(CODE2SESSION, -1, times=2)
    assert (await place.rejection()).reason is RejectReason.UNAVAILABLE


async def test_a_code_is_good_once_and_for_the_app_with_the_secret(place: Place) -> None:
    await place.who()
    assert (await place.rejection()).reason is RejectReason.UNAUTHORISED

    place.wechat.add_app(APP, "another secret")
    assert (await place.rejection()).reason is RejectReason.UNAVAILABLE


@pytest.mark.parametrize("status", [302, 404, 502])
async def test_a_wechat_that_answers_otherwise_is_away(place: Place, status: int) -> None:
    place.wechat.answer_status(CODE2SESSION, status)

    assert (await place.rejection()).reason is RejectReason.UNAVAILABLE
    assert place.wechat.count(CODE2SESSION) == 1  # a lost answer has used up the code


async def test_a_wechat_that_does_not_answer_is_away(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.wechat.be_slow(CODE2SESSION, 1.0)

    assert (await place.rejection()).reason is RejectReason.UNAVAILABLE
    assert SECRET not in caplog.text
    assert CODE not in caplog.text


@pytest.mark.parametrize("openid", ["OPENID", "", 7, None, "o" * 129, "o~"])
async def test_an_answer_that_names_nobody_is_none(place: Place, openid: Any) -> None:
    place.answers(openid)

    assert (await place.rejection()).message == "WeChat's response has no usable openid."
