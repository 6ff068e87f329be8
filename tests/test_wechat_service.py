# SPDX-License-Identifier: Apache-2.0
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


async def test_orders_of_a_shop(server: WeChat) -> None:
    token, app = await token_of(server), server.apps[APPID]
    app.orders = {str(n): api.shop_order(n, "oMei", 1_000 + n, 100) for n in range(3)}
    app.after_sales = {"7": api.after_sale(7, 2, 1_002, 100)}
    server.page = 2

    async def ask(path: str, given: Any) -> Any:
        return await post(server, path, given, access_token=token)

    assert (await ask(api.ORDER_GET, {"order_id": "2"}))["order"] == app.orders["2"]
    assert (await ask(api.ORDER_GET, {"order_id": "9"}))["errcode"] == 100002
    sale = await ask(api.AFTER_SALE_GET, {"after_sale_order_id": "7"})
    assert sale["after_sale_order"] == app.after_sales["7"]
    assert (await ask(api.AFTER_SALE_GET, {"after_sale_order_id": "9"}))["errcode"] == 100002

    window = {"start_time": 1_000, "end_time": 1_002}
    first = await ask(api.ORDER_LIST, {"update_time_range": window, "page_size": 100})
    assert (first["order_id_list"], first["has_more"]) == (["0", "1"], True)
    more = {"update_time_range": window, "page_size": 100, "next_key": first["next_key"]}
    rest = await ask(api.ORDER_LIST, more)
    assert (rest["order_id_list"], rest["has_more"], rest["next_key"]) == (["2"], False, "")
    other = more | {"update_time_range": {"start_time": 999, "end_time": 1_002}}
    assert (await ask(api.ORDER_LIST, other))["errcode"] == 606006
    for name, days in ((api.ORDER_LIST, 7), (api.AFTER_SALE_LIST, 1)):
        for seconds, code in ((days * 86_400, 0), (days * 86_400 + 1, 40097)):
            end = 1_000 + seconds
            times: dict[str, Any] = {"begin_update_time": 1_000, "end_update_time": end}
            times |= {"update_time_range": {"start_time": 1_000, "end_time": end}}
            assert (await ask(name, times | {"page_size": 100}))["errcode"] == code


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
