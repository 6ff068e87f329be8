# SPDX-License-Identifier: Apache-2.0
"""A stand-in for WeChat's API server (api.weixin.qq.com), over real HTTP on a loopback port.

It knows a brand's apps, people and payments, hands out tokens which expire, keeps the window of
getPaidUnionId and daily quotas, and fails on command. Answers have the documented shapes.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson
from aiohttp import web

from tests.services.process import LOOPBACK

PAID_WINDOW_S: Final = 300
TOKEN_S: Final = 7_200
BATCH_MAX: Final = 100
PAGE: Final = 10_000

TOKEN = "/cgi-bin/token"
STABLE_TOKEN = "/cgi-bin/stable_token"
PAID_UNIONID = "/wxa/getpaidunionid"
USER_INFO = "/cgi-bin/user/info"
BATCHGET = "/cgi-bin/user/info/batchget"
USER_GET = "/cgi-bin/user/get"
CHANGE_OPENID = "/cgi-bin/changeopenid"
CODE2SESSION = "/sns/jscode2session"
ORDER_GET = "/channels/ec/order/get"
ORDER_LIST = "/channels/ec/order/list/get"
AFTER_SALE_GET = "/channels/ec/aftersale/getaftersaleorder"
AFTER_SALE_LIST = "/channels/ec/aftersale/getaftersalelist"
ORDER_DAYS, AFTER_SALE_DAYS = 7, 1  # the longest windows of the lists

_TEXTS = {
    -1: "system error", 40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type", 40003: "invalid openid", 40013: "invalid appid",
    40029: "invalid code", 40032: "invalid openid list size", 40097: "invalid args",
    40125: "invalid appsecret",
    42001: "access_token expired", 45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    63178: "not a migration pair",
    89002: "this app has not been bound to an open platform account", 89300: "invalid order",
    100002: "order not exist", 606006: "not the arguments of the page before",
}  # fmt: skip


class Refused(Exception):
    """WeChat's way of saying no: status 200 and this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class App:
    """What the server knows of one app."""

    appid: str
    secret: str
    bound: bool = True  # to an Open Platform account
    unionids: dict[str, str] = field(default_factory=dict)  # by openid
    followers: list[str] = field(default_factory=list)  # of an Official Account, in order
    #: transaction_id, or mch_id:out_trade_no -> (openid, when it was paid, by `time.time`)
    payments: dict[str, tuple[str, float]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)  # of wx.login, each good once -> openid
    changed: dict[tuple[str, str], str] = field(default_factory=dict)  # (from, openid) -> openid
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)  # of a shop, as it shows them
    after_sales: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    path: str
    appid: str
    openids: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()  # of an order or an after-sale


class WeChat:
    """A context manager; every attribute may be read and written while it runs."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.calls: list[Call] = []
        self.token_s = TOKEN_S
        self.page = 100  # numbers in a page of a shop's list
        self.quotas: dict[tuple[str, str], int] = {}  # (appid, path) -> calls which are left
        self._tokens: dict[str, tuple[str, float, str]] = {}  # token -> appid, until, endpoint
        self._faults: defaultdict[str, deque[Callable[[], Awaitable[web.Response | None]]]]
        self._faults = defaultdict(deque)
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    # what there is --------------------------------------------------------------------------------

    def add_app(self, appid: str, secret: str = "0123456789abcdef0123456789abcdef") -> App:
        self.apps[appid] = App(appid, secret)
        return self.apps[appid]

    def paid(self, appid: str, openid: str, transaction_id: str, ago_s: float = 0.0) -> None:
        self.apps[appid].payments[transaction_id] = (openid, time.time() - ago_s)

    # faults ---------------------------------------------------------------------------------------

    def answer_code(self, path: str, code: int, times: int = 1) -> None:
        """The next calls get this error code."""
        error = {"errcode": code, "errmsg": _TEXTS.get(code, "error")}
        self._fail(path, times, lambda: _json(error))

    def answer_status(self, path: str, status: int, times: int = 1) -> None:
        """The next calls get an HTTP error with a page in HTML."""
        page, html = "<html>busy</html>", "text/html"
        self._fail(path, times, lambda: web.Response(status=status, text=page, content_type=html))

    def answer_bytes(self, path: str, body: bytes, times: int = 1) -> None:
        """The next calls get status 200 and this, whatever it is."""
        self._fail(path, times, lambda: web.Response(body=body, content_type="application/json"))

    def _fail(self, path: str, times: int, answer: Callable[[], web.Response]) -> None:
        async def fault() -> web.Response:
            return answer()

        self._faults[path].extend([fault] * times)

    def be_slow(self, path: str, seconds: float, times: int = 1) -> None:
        """The next calls are answered rightly, and late."""

        async def fault() -> None:
            await asyncio.sleep(seconds)

        self._faults[path].extend([fault] * times)

    def expire_tokens(self) -> None:
        """All tokens are out of date at once, as after a change of the AppSecret."""
        self._tokens = {token: (a, 0.0, e) for token, (a, _, e) in self._tokens.items()}

    def count(self, path: str) -> int:
        return sum(call.path == path for call in self.calls)

    # the server -----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:  # cancels what is still being answered slowly
            self._loop = runner.get_loop()
            server = runner.run(self._start())
            started.set()
            self._loop.run_forever()
            runner.run(server.cleanup())

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        query, body = dict(request.query), await request.read()
        given: dict[str, Any] = orjson.loads(body) if body else {}
        path = request.path
        handler = _HANDLERS.get((request.method, path))
        if handler is None:
            return web.Response(status=404)
        appid = str(query.get("appid") or given.get("appid") or "")
        names = _openids(query, given), _numbers(given)
        self.calls.append(Call(path, appid or self._appid_of(query), *names))
        if self._faults[path] and (answer := await self._faults[path].popleft()()) is not None:
            return answer
        try:
            return _json(handler(self, query, given))
        except Refused as refused:
            return _json({"errcode": refused.code, "errmsg": _TEXTS[refused.code]})

    def _appid_of(self, query: dict[str, str]) -> str:
        return self._tokens.get(query.get("access_token", ""), ("", 0.0, ""))[0]

    def _app(self, query: dict[str, str], path: str) -> App:
        """The app whose token it is, if it may call this once more."""
        token = self._tokens.get(query.get("access_token", ""))
        if token is None:
            raise Refused(40001)
        appid, until, _ = token
        if until <= time.time():
            raise Refused(42001)
        left = self.quotas.get((appid, path))
        if left is not None:
            if left <= 0:
                raise Refused(45009)
            self.quotas[appid, path] = left - 1
        return self.apps[appid]

    def _known(self, appid: str, secret: str) -> App:
        app = self.apps.get(appid)
        if app is None:
            raise Refused(40013)
        if app.secret != secret:
            raise Refused(40125)
        return app

    # one method for each interface ----------------------------------------------------------------

    def token(self, query: dict[str, str], _: dict[str, Any]) -> Any:
        """GET /cgi-bin/token: a new one, and the one before is good no more."""
        if query.get("grant_type") != "client_credential":
            raise Refused(40002)
        app = self._known(query.get("appid", ""), query.get("secret", ""))
        return self._new_token(app, TOKEN)

    def stable_token(self, _: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /cgi-bin/stable_token: the same one until it ends, unless a new one is forced."""
        if given.get("grant_type") != "client_credential":
            raise Refused(40002)
        app = self._known(str(given.get("appid")), str(given.get("secret")))
        now = time.time()
        for token, (appid, until, endpoint) in self._tokens.items():
            mine = (appid, endpoint) == (app.appid, STABLE_TOKEN)
            if mine and until > now and not given.get("force_refresh"):
                return {"access_token": token, "expires_in": int(until - now)}
        return self._new_token(app, STABLE_TOKEN)

    def _new_token(self, app: App, endpoint: str) -> Any:
        old = {t for t, (a, _, e) in self._tokens.items() if (a, e) == (app.appid, endpoint)}
        self._tokens = {t: known for t, known in self._tokens.items() if t not in old}
        token = f"token-{next(self._numbers)}"
        self._tokens[token] = (app.appid, time.time() + self.token_s, endpoint)
        return {"access_token": token, "expires_in": self.token_s}

    def paid_unionid(self, query: dict[str, str], _: dict[str, Any]) -> Any:
        """GET /wxa/getpaidunionid"""
        app = self._app(query, PAID_UNIONID)
        if not app.bound:
            raise Refused(89002)
        merchant = f"{query.get('mch_id')}:{query.get('out_trade_no')}"
        payer, paid_at = app.payments.get(query.get("transaction_id", merchant), ("", 0.0))
        if not payer or time.time() - paid_at > PAID_WINDOW_S:
            raise Refused(89300)
        if payer != query.get("openid"):
            raise Refused(40003)
        return {"unionid": app.unionids.get(payer, ""), "errcode": 0, "errmsg": "ok"}

    def user_info(self, query: dict[str, str], _: dict[str, Any]) -> Any:
        """GET /cgi-bin/user/info"""
        app = self._app(query, USER_INFO)
        openid = query.get("openid", "")
        if openid not in app.unionids and openid not in app.followers:
            raise Refused(40003)
        return self._info(app, openid)

    def batchget(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /cgi-bin/user/info/batchget"""
        app = self._app(query, BATCHGET)
        wanted = [str(user["openid"]) for user in given["user_list"]]
        if not 0 < len(wanted) <= BATCH_MAX:
            raise Refused(40032)
        return {"user_info_list": [self._info(app, openid) for openid in wanted]}

    def _info(self, app: App, openid: str) -> dict[str, Any]:
        if openid not in app.followers:
            return {"subscribe": 0, "openid": openid}
        info: dict[str, Any] = {
            "subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": 1_770_000_000,
            "remark": "", "groupid": 0, "tagid_list": [], "subscribe_scene": "ADD_SCENE_QR_CODE",
            "qr_scene": 0, "qr_scene_str": "",
        }  # fmt: skip
        if app.bound and openid in app.unionids:
            info["unionid"] = app.unionids[openid]
        return info

    def user_get(self, query: dict[str, str], _: dict[str, Any]) -> Any:
        """GET /cgi-bin/user/get: a page of followers, after ``next_openid``."""
        app = self._app(query, USER_GET)
        after = query.get("next_openid", "")
        start = app.followers.index(after) + 1 if after else 0
        page = app.followers[start : start + PAGE]
        answer: dict[str, Any] = {"total": len(app.followers), "count": len(page)}
        if page:
            answer |= {"data": {"openid": page}}
        return answer | {"next_openid": page[-1] if page else ""}

    def change_openid(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /cgi-bin/changeopenid, with the token of the account moved to."""
        app = self._app(query, CHANGE_OPENID)
        wanted = [str(openid) for openid in given["openid_list"]]
        if not 0 < len(wanted) <= BATCH_MAX:
            raise Refused(40032)
        if given["from_appid"] not in {former for former, _ in app.changed}:
            raise Refused(63178)
        results = []
        for openid in wanted:
            new = app.changed.get((given["from_appid"], openid))
            results.append(
                {"ori_openid": openid, "err_msg": "ori_openid error"}
                if new is None
                else {"ori_openid": openid, "new_openid": new, "err_msg": "ok"}
            )
        return {"errcode": 0, "errmsg": "ok", "result_list": results}

    def code2session(self, query: dict[str, str], _: dict[str, Any]) -> Any:
        """GET /sns/jscode2session: no ``errcode`` where all is well, no unionid if unbound."""
        app = self._known(query.get("appid", ""), query.get("secret", ""))
        if query.get("grant_type") != "authorization_code":
            raise Refused(40002)
        openid = app.codes.pop(query.get("js_code", ""), None)
        if openid is None:
            raise Refused(40029)
        session = {"openid": openid, "session_key": "c2Vzc2lvbi1rZXktb2Ytbm8="}
        known = app.unionids.get(openid) if app.bound else None
        return session | ({"unionid": known} if known else {})

    # a shop ---------------------------------------------------------------------------------------

    def order_get(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /channels/ec/order/get"""
        found = self._app(query, ORDER_GET).orders.get(given["order_id"])
        if found is None:
            raise Refused(100002)
        return {"errcode": 0, "errmsg": "ok", "order": found}

    def after_sale_get(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /channels/ec/aftersale/getaftersaleorder"""
        app = self._app(query, AFTER_SALE_GET)
        found = app.after_sales.get(given["after_sale_order_id"])
        if found is None:
            raise Refused(100002)
        return {"errcode": 0, "errmsg": "ok", "after_sale_order": found}

    def order_list(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /channels/ec/order/list/get: numbers by time of their last change, page by page."""
        orders, window = self._app(query, ORDER_LIST).orders, given["update_time_range"]
        if not 0 < given["page_size"] <= 100:
            raise Refused(40097)
        times = window["start_time"], window["end_time"], ORDER_DAYS
        return self._page(orders, *times, given, "order_id_list")

    def after_sale_list(self, query: dict[str, str], given: dict[str, Any]) -> Any:
        """POST /channels/ec/aftersale/getaftersalelist"""
        sales = self._app(query, AFTER_SALE_LIST).after_sales
        times = given["begin_update_time"], given["end_update_time"], AFTER_SALE_DAYS
        return self._page(sales, *times, given, "after_sale_order_id_list")

    def _page(
        self,
        found: dict[str, dict[str, Any]],
        start_s: int,
        end_s: int,
        days: int,
        given: dict[str, Any],
        name: str,
    ) -> Any:
        if not 0 <= end_s - start_s <= days * 86_400:
            raise Refused(40097)
        asked, _, after = given.get("next_key", "").rpartition(":")
        if asked not in ("", f"{start_s}-{end_s}"):
            raise Refused(606006)
        listed = [n for n, detail in found.items() if start_s <= detail["update_time"] <= end_s]
        begin = int(after or 0)
        end = begin + self.page
        more = end < len(listed)
        key = f"{start_s}-{end_s}:{end}" if more else ""
        page = {name: listed[begin:end], "has_more": more, "next_key": key}
        return {"errcode": 0, "errmsg": "ok", **page}

    def counted(self) -> Counter[str]:
        """How often each interface was called."""
        return Counter(call.path for call in self.calls)


def _openids(query: dict[str, str], given: dict[str, Any]) -> tuple[str, ...]:
    listed = [user["openid"] for user in given.get("user_list", [])]
    named = [query["openid"]] if "openid" in query else []
    return (*named, *listed, *given.get("openid_list", []))


def _numbers(given: dict[str, Any]) -> tuple[str, ...]:
    names = ("order_id", "after_sale_order_id")
    return tuple(given[name] for name in names if name in given)


def shop_order(order_id: int, openid: str, paid_at: int, fen: int, **changes: Any) -> Any:
    """An order of a shop that was paid by WeChat Pay, with fields that nobody may keep."""
    product = {
        "product_id": 10000002345678, "sku_id": "1234567890123456789", "sku_cnt": 2,
        "sale_price": fen, "real_price": fen, "title": "Toner", "thumb_img": "https://img",
    }  # fmt: skip
    pay = {"prepay_id": "p", "prepay_time": paid_at, "pay_time": paid_at, "payment_method": 1}
    address = {"user_name": "陈*", "tel_number": "13800000000", "detail_info": "外滩 1"}
    order: dict[str, Any] = {
        "order_id": order_id, "openid": openid, "status": 20, "is_present": False,
        "create_time": paid_at - 30, "update_time": paid_at,
        "order_detail": {
            "product_infos": [product],
            "price_info": {"product_price": 2 * fen, "order_price": fen, "freight": 0},
            "pay_info": pay | {"transaction_id": f"42000099{order_id}"},
            "delivery_info": {"address_info": address},
        },
        "aftersale_detail": {"aftersale_order_list": [], "on_aftersale_order_cnt": 0},
    }  # fmt: skip
    return order | changes


def after_sale(number: int, order_id: int, at: int, fen: int, **changes: Any) -> Any:
    """An after-sale of which the money went back."""
    sale = {
        "after_sale_order_id": number, "order_id": order_id, "status": "MERCHANT_REFUND_SUCCESS",
        "type": "REFUND", "refund_info": {"amount": fen, "refund_reason": 1},
        "create_time": at - 60, "update_time": at, "complete_time": at,
    }  # fmt: skip
    return sale | changes


def _json(answer: Any) -> web.Response:
    # WeChat says text/plain for some of its JSON
    return web.Response(body=orjson.dumps(answer), content_type="text/plain")


_Handler = Callable[[WeChat, dict[str, str], dict[str, Any]], Any]
_HANDLERS: Final[dict[tuple[str, str], _Handler]] = {
    ("GET", TOKEN): WeChat.token,
    ("POST", STABLE_TOKEN): WeChat.stable_token,
    ("GET", PAID_UNIONID): WeChat.paid_unionid,
    ("GET", USER_INFO): WeChat.user_info,
    ("POST", BATCHGET): WeChat.batchget,
    ("GET", USER_GET): WeChat.user_get,
    ("POST", CHANGE_OPENID): WeChat.change_openid,
    ("GET", CODE2SESSION): WeChat.code2session,
    ("POST", ORDER_GET): WeChat.order_get,
    ("POST", ORDER_LIST): WeChat.order_list,
    ("POST", AFTER_SALE_GET): WeChat.after_sale_get,
    ("POST", AFTER_SALE_LIST): WeChat.after_sale_list,
}
