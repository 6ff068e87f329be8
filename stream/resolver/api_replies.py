# SPDX-License-Identifier: Apache-2.0
"""Read WeChat's replies, and decide by the error code what to do next. Pure.

Codes are from developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html and
the page of getPaidUnionId. A successful reply may omit ``errcode``.
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
    """What to do after a reply."""

    OK = "ok"
    TRANSIENT = "transient"  # retry soon
    SLOWER = "slower"  # retry in a minute
    TOKEN = "token"  # retry with another access token
    QUOTA = "quota"  # retry tomorrow
    REFUSED = "refused"  # do not retry this call
    APP_REFUSED = "app_refused"  # every call of this app fails until an operator fixes it


VERDICTS: Final[Mapping[int, Verdict]] = {
    0: Verdict.OK,
    -1: Verdict.TRANSIENT,  # busy
    45011: Verdict.SLOWER,  # minute quota
    40001: Verdict.TOKEN,  # an outdated token, or another app's
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
    # 40003 (openid), 89300 (order) and all other codes: refused
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; ``code`` is WeChat's, else the HTTP status, else 0."""

    verdict: Verdict
    code: int = 0
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


#: No reply, or not in time.
NO_REPLY: Final = Reply(Verdict.TRANSIENT)


def read_reply(status: int, content: bytes) -> Reply:
    """Turn any HTTP response into a reply with a verdict."""
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
    """An openid or Union ID from WeChat; ``None`` for anything else, also for a placeholder.

    WeChat's own example of user/info has a space before the Union ID.
    """
    if type(value) is not str:
        return None
    try:
        return _person_id.validate_python(value.strip())
    except ValidationError:
        return None


def unionids_of(body: Mapping[str, Any]) -> dict[str, str]:
    """From a reply of batchget: openid -> Union ID, without followers that have none."""
    infos = body.get("user_info_list")
    found: dict[str, str] = {}
    for info in infos if type(infos) is list else ():
        if type(info) is dict:
            openid, unionid = person_id(info.get("openid")), person_id(info.get("unionid"))
            if openid is not None and unionid is not None:
                found[openid] = unionid
    return found
