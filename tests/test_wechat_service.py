"""The stand-in for WeChat's API server answers as WeChat is documented to."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.services import wechat as api
from tests.services.wechat import WeChat

APPID, SECRET = "wx1a2b3c4d5e6f7a02", "0123456789abcdef0123456789abcdef"
CREDENTIAL = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}


async def get(server: WeChat, path: str, **query: str) -> Any:
    async with ClientSession(server.url) as http, http.get(path, params=query) as answer:
        return await answer.json(content_type=None)


async def post(server: WeChat, path: str, given: Any, **query: str) -> Any:
    async with (
        ClientSession(server.url) as http,
        http.post(path, params=query, json=given) as answer,
    ):
        return await answer.json(content_type=None)


@pytest.fixture
def server(wechat: WeChat) -> WeChat:
    app = wechat.add_app(APPID, SECRET)
    app.unionids = {"oMei": "uMei", "oLi": "uLi"}
    app.followers = ["oMei", "oStranger"]
    app.codes = {"code-1": "oLi"}
    app.changed = {("wxold", "oOldMei"): "oMei"}
    return wechat


async def token_of(server: WeChat) -> str:
    return str((await post(server, api.STABLE_TOKEN, CREDENTIAL))["access_token"])


async def test_tokens(server: WeChat) -> None:
    stable = await token_of(server)
    assert await token_of(server) == stable
    forced = await post(server, api.STABLE_TOKEN, CREDENTIAL | {"force_refresh": True})
    assert forced["access_token"] != stable
    first = (await get(server, api.TOKEN, **CREDENTIAL))["access_token"]
    second = (await get(server, api.TOKEN, **CREDENTIAL))["access_token"]
    for stale in (stable, first, ""):
        answer = await get(server, api.USER_INFO, access_token=stale, openid="oMei")
        assert answer["errcode"] == 40001
    answer = await get(server, api.USER_INFO, access_token=second, openid="oMei")
    assert answer["unionid"] == "uMei"
    server.expire_tokens()
    answer = await get(server, api.USER_INFO, access_token=second, openid="oMei")
    assert answer["errcode"] == 42001
    wrong = CREDENTIAL | {"secret": "x"}
    assert (await get(server, api.TOKEN, **wrong))["errcode"] == 40125
    assert (await get(server, api.TOKEN, **CREDENTIAL | {"appid": "wx"}))["errcode"] == 40013


async def test_the_window_after_a_payment(server: WeChat) -> None:
    token = await token_of(server)

    async def ask(openid: str, transaction_id: str) -> Any:
        query = {"access_token": token, "openid": openid, "transaction_id": transaction_id}
        return await get(server, api.PAID_UNIONID, **query)

    server.paid(APPID, "oMei", "4200")
    server.paid(APPID, "oMei", "4201", ago_s=301)
    assert await ask("oMei", "4200") == {"unionid": "uMei", "errcode": 0, "errmsg": "ok"}
    assert (await ask("oMei", "4201"))["errcode"] == 89300
    assert (await ask("oLi", "4200"))["errcode"] == 40003
    server.apps[APPID].bound = False
    assert (await ask("oMei", "4200"))["errcode"] == 89002


async def test_followers(server: WeChat) -> None:
    token = await token_of(server)
    asked = {"user_list": [{"openid": o, "lang": "zh_CN"} for o in ("oMei", "oStranger", "oLi")]}
    answer = await post(server, api.BATCHGET, asked, access_token=token)
    assert [one.get("unionid") for one in answer["user_info_list"]] == ["uMei", None, None]
    page = await get(server, api.USER_GET, access_token=token)
    assert page["data"]["openid"] == ["oMei", "oStranger"]
    rest = await get(server, api.USER_GET, access_token=token, next_openid=page["next_openid"])
    assert (rest["count"], "data" in rest) == (0, False)
    too_many = {"user_list": [{"openid": "oMei"}] * 101}
    assert (await post(server, api.BATCHGET, too_many, access_token=token))["errcode"] == 40032


async def test_migrated_openids_and_sessions(server: WeChat) -> None:
    token = await token_of(server)
    asked = {"from_appid": "wxold", "openid_list": ["oOldMei", "oNobody"]}
    answer = await post(server, api.CHANGE_OPENID, asked, access_token=token)
    good, bad = answer["result_list"]
    assert good == {"ori_openid": "oOldMei", "new_openid": "oMei", "err_msg": "ok"}
    assert bad == {"ori_openid": "oNobody", "err_msg": "ori_openid error"}
    other = asked | {"from_appid": "wxother"}
    assert (await post(server, api.CHANGE_OPENID, other, access_token=token))["errcode"] == 63178

    code = {"appid": APPID, "secret": SECRET, "js_code": "code-1"}
    code |= {"grant_type": "authorization_code"}
    session = await get(server, api.CODE2SESSION, **code)
    assert (session["openid"], session["unionid"], "errcode" in session) == ("oLi", "uLi", False)
    assert (await get(server, api.CODE2SESSION, **code))["errcode"] == 40029


async def test_faults_and_quotas(server: WeChat) -> None:
    token = await token_of(server)
    query = {"access_token": token, "openid": "oMei"}
    server.quotas[APPID, api.USER_INFO] = 1
    server.answer_code(api.USER_INFO, -1)
    server.answer_bytes(api.USER_INFO, b'{"errcode": 7}')
    codes = [(await get(server, api.USER_INFO, **query)).get("errcode", 0) for _ in range(4)]
    assert codes == [-1, 7, 0, 45009]
    server.answer_status(api.USER_INFO, 502)
    async with (
        ClientSession(server.url) as http,
        http.get(api.USER_INFO, params=query) as answer,
    ):
        assert answer.status == 502
    assert server.counted() == {api.STABLE_TOKEN: 1, api.USER_INFO: 5}
    assert server.calls[-1].openids == ("oMei",)
