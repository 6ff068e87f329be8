"""code2Session: the one-time code of ``wx.login`` becomes openid and Union ID.

``GET /sns/jscode2session``, developers.weixin.qq.com/miniprogram/dev/server/API/user-login/
api_code2session. A code is good for five minutes and once. A successful answer may have no
``errcode``; the ``session_key`` in it is a secret which is not even looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from schemas.mini_program import SessionLoggedIn
from stream.gateway.doors.fetching import Away, Fetcher
from stream.wechat.heard import NotHeard, Refusal

_log = logging.getLogger(__name__)

BUSY: Final = -1
_TRIES: Final = 2
#: errcode -> what it means to the client.
_REFUSED: Final[dict[int, tuple[Refusal, str]]] = {
    40029: (Refusal.UNAUTHORISED, "WeChat does not know this js_code; call wx.login again."),
    40163: (Refusal.UNAUTHORISED, "This js_code was used before; call wx.login again."),
    41008: (Refusal.UNAUTHORISED, "WeChat misses the js_code; call wx.login again."),
    40226: (Refusal.NOT_ALLOWED, "WeChat has blocked this user."),
    45009: (Refusal.LIMITED, "WeChat takes no more logins today."),
    45011: (Refusal.LIMITED, "WeChat takes no more logins of this user within a minute."),
}


async def logged_in(wechat: Fetcher, appid: str, secret: str, js_code: str) -> SessionLoggedIn:
    """Who logged in; raises ``NotHeard``."""
    query = {
        "appid": appid,
        "secret": secret,
        "js_code": js_code,
        "grant_type": "authorization_code",
    }
    for _ in range(_TRIES):
        answer = await _asked(wechat, query)
        errcode = answer.get("errcode", 0)
        if errcode == 0:
            return _read(appid, answer)
        if errcode != BUSY:
            raise _refusal(errcode)
    raise NotHeard(Refusal.UNAVAILABLE, "WeChat is busy; call wx.login again.")


async def _asked(wechat: Fetcher, query: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        # One try: an answer which was lost has used up the code all the same.
        fetched = await wechat.get("/sns/jscode2session", query=query, tries=1)
    except Away as away:
        _log.warning("code2Session failed: %s", away)
        raise NotHeard(Refusal.UNAVAILABLE, "WeChat did not answer; call wx.login again.") from None
    if fetched.status != 200 or fetched.tree is None:
        _log.warning("code2Session failed with status %d", fetched.status)
        raise NotHeard(Refusal.UNAVAILABLE, "WeChat did not answer; call wx.login again.")
    return fetched.tree


def _read(appid: str, answer: Mapping[str, Any]) -> SessionLoggedIn:
    unionid = answer.get("unionid")
    try:
        return SessionLoggedIn(
            appid=appid,
            openid=_stripped(answer.get("openid")),
            unionid=_stripped(unionid) or None,
            is_snapshot_user=answer.get("is_snapshotuser") in (1, "1", True),
        )
    except ValidationError:
        _log.error("code2Session answered with ids which are none")
        raise NotHeard(Refusal.UNAVAILABLE, "WeChat's answer names nobody.") from None


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _refusal(errcode: object) -> NotHeard:
    if isinstance(errcode, int) and errcode in _REFUSED:
        return NotHeard(*_REFUSED[errcode])
    shown = errcode if isinstance(errcode, int) else "of another type"
    _log.error("code2Session refuses us (errcode %s): check the app's secret", shown)
    return NotHeard(Refusal.UNAVAILABLE, "WeChat refuses this app; its operator must look.")
