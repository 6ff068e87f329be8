"""What WeChat's answers mean. Pure.

Codes are from developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html and
the page of getPaidUnionId. An answer of success may leave ``errcode`` out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.base import PersonId

BODY_BYTES_MAX: Final = 4_194_304  # a page of user/get has 10,000 openids, some 350 kB


class Verdict(StrEnum):
    """What to do after an answer."""

    OK = "ok"
    TRANSIENT = "transient"  # ask again soon
    SLOWER = "slower"  # ask again in a minute
    TOKEN = "token"  # ask again with another access token
    QUOTA = "quota"  # ask again tomorrow
    REFUSED = "refused"  # this question has no answer
    APP_REFUSED = "app_refused"  # no question of this app has one, until somebody mends it


VERDICTS: Final[Mapping[int, Verdict]] = {
    0: Verdict.OK,
    -1: Verdict.TRANSIENT,  # busy
    45011: Verdict.SLOWER,  # minute quota
    40001: Verdict.TOKEN,  # not the latest token, or another app's
    40014: Verdict.TOKEN,  # no token at all
    42001: Verdict.TOKEN,  # expired
    45009: Verdict.QUOTA,
    40013: Verdict.APP_REFUSED,  # no such appid
    40125: Verdict.APP_REFUSED,  # wrong AppSecret
    40164: Verdict.APP_REFUSED,  # our address is not on the app's list
    48001: Verdict.APP_REFUSED,  # the app has no right to this interface
    50001: Verdict.APP_REFUSED,  # the same, of an app managed by a platform
    50002: Verdict.APP_REFUSED,  # the app is blocked
    89002: Verdict.APP_REFUSED,  # bound to no Open Platform account
    # 40003 (openid), 89300 (order) and whatever else there may be: refused
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``code`` is WeChat's, or the HTTP status, or 0 where there was none of either."""

    verdict: Verdict
    code: int = 0
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


#: Nothing came, or not in time.
NO_REPLY: Final = Reply(Verdict.TRANSIENT)


def read_reply(status: int, content: bytes) -> Reply:
    """Whatever came, as what to do about it."""
    if status == 429:
        return Reply(Verdict.SLOWER, status)
    if status != 200 or len(content) > BODY_BYTES_MAX:
        return Reply(Verdict.TRANSIENT, status)
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return NO_REPLY
    if type(body) is not dict:
        return NO_REPLY
    code = body.get("errcode", 0)
    if type(code) is not int:
        return NO_REPLY
    return Reply(VERDICTS.get(code, Verdict.REFUSED), code, body)


_person_id: TypeAdapter[str] = TypeAdapter(PersonId)


def person_id(value: object) -> str | None:
    """An openid or Union ID as WeChat wrote it; ``None`` for none, and for a placeholder.

    WeChat's own example of user/info has a space before the Union ID.
    """
    if type(value) is not str:
        return None
    try:
        return _person_id.validate_python(value.strip())
    except ValidationError:
        return None


def unionids_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Of an answer of batchget: openid -> Union ID, for those who have one."""
    infos = body.get("user_info_list")
    found: dict[str, str] = {}
    for info in infos if type(infos) is list else ():
        if type(info) is dict:
            openid, unionid = person_id(info.get("openid")), person_id(info.get("unionid"))
            if openid is not None and unionid is not None:
                found[openid] = unionid
    return found
