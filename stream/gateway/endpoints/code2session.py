# SPDX-License-Identifier: Apache-2.0
"""Calls WeChat's code2Session: exchanges the code of ``wx.login`` for openid and Union ID.

``GET /sns/jscode2session``, developers.weixin.qq.com/miniprogram/dev/server/API/user-login/
api_code2session. A code is valid for five minutes and once. A successful response may have no
``errcode``; its ``session_key`` is a secret and is never read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from schemas.mini_program import SessionLoggedIn
from stream.gateway.json_http_client import JsonClient, ServerUnavailable
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

_log = logging.getLogger(__name__)

BUSY: Final = -1
_TRIES: Final = 2
#: errcode -> the client's error.
_ERRORS: Final[dict[int, tuple[RejectReason, str]]] = {
    40029: (RejectReason.UNAUTHORISED, "WeChat does not know this js_code; call wx.login again."),
    40163: (RejectReason.UNAUTHORISED, "This js_code was used before; call wx.login again."),
    41008: (RejectReason.UNAUTHORISED, "WeChat got no js_code; call wx.login again."),
    40226: (RejectReason.NOT_ALLOWED, "WeChat has blocked this user."),
    45009: (RejectReason.LIMITED, "WeChat allows no more logins today."),
    45011: (RejectReason.LIMITED, "WeChat allows no more logins of this user in this minute."),
}


async def logged_in(wechat: JsonClient, appid: str, secret: str, js_code: str) -> SessionLoggedIn:
    """The login's openid and Union ID; raises ``DeliveryRejected``."""
    query = {
        "appid": appid,
        "secret": secret,
        "js_code": js_code,
        "grant_type": "authorization_code",
    }
    for _ in range(_TRIES):
        body = await _get(wechat, query)
        errcode = body.get("errcode", 0)
        if errcode == 0:
            return _login(appid, body)
        if errcode != BUSY:
            raise _rejection(errcode)
    raise DeliveryRejected(RejectReason.UNAVAILABLE, "WeChat is busy; call wx.login again.")


async def _get(wechat: JsonClient, query: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        # One attempt: a lost response has used up the code all the same.
        response = await wechat.get("/sns/jscode2session", query=query, tries=1)
    except ServerUnavailable as error:
        _log.warning("code2Session failed: %s", error)
        raise DeliveryRejected(
            RejectReason.UNAVAILABLE, "WeChat did not answer; call wx.login again."
        ) from None
    if response.status != 200 or response.tree is None:
        _log.warning("code2Session failed with status %d", response.status)
        raise DeliveryRejected(
            RejectReason.UNAVAILABLE, "WeChat did not answer; call wx.login again."
        )
    return response.tree


def _login(appid: str, body: Mapping[str, Any]) -> SessionLoggedIn:
    unionid = body.get("unionid")
    try:
        return SessionLoggedIn(
            appid=appid,
            openid=_stripped(body.get("openid")),
            unionid=_stripped(unionid) or None,
            is_snapshot_user=body.get("is_snapshotuser") in (1, "1", True),
        )
    except ValidationError:
        _log.error("code2Session returned ids that cannot be ids")
        raise DeliveryRejected(
            RejectReason.UNAVAILABLE, "WeChat's response has no usable openid."
        ) from None


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _rejection(errcode: object) -> DeliveryRejected:
    if isinstance(errcode, int) and errcode in _ERRORS:
        return DeliveryRejected(*_ERRORS[errcode])
    shown = errcode if isinstance(errcode, int) else "of another type"
    _log.error("code2Session failed with errcode %s: check the app's secret", shown)
    return DeliveryRejected(
        RejectReason.UNAVAILABLE, "WeChat refuses this app; its operator must check the log."
    )
