# SPDX-License-Identifier: Apache-2.0
"""Translates changeopenid responses into events: openids changed by a 公众号迁移. Pure.

Source: developers.weixin.qq.com, POST /cgi-bin/changeopenid; usable for 15 days after the migration
was approved, only for followers of the former account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from schemas.topics import TOPIC_PRIVACY
from schemas.wechat_identity import OPENID_CHANGED, OpenidChanged
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

BATCH_MAX: Final = 100
NO_PAIR: Final = 63178  # WeChat's code: not accounts of one migration


class Unchanged(StrEnum):
    """Why an openid has no successor."""

    NO_FOLLOWER = "no_follower"  # ``ori_openid error``: not a follower of the former account
    SAME = "same"  # both are one origin
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Change:
    """One result: an event, or why there is none. ``former`` is "" if WeChat did not return it."""

    former: str
    event: OutboundEvent | None = None
    unchanged: Unchanged | None = None


def read_changes(
    body: Mapping[str, Any], from_appid: str, to_appid: str, time: datetime
) -> list[Change]:
    """The results in one response, in its order.

    Raises `DeliveryRejected` if it is no such response.
    """
    results = body.get("result_list")
    if type(results) is not list:
        raise DeliveryRejected(
            RejectReason.MALFORMED, "A response of changeopenid must have a result_list."
        )
    return [_change(result, from_appid, to_appid, time) for result in results]


def _change(result: Any, from_appid: str, to_appid: str, time: datetime) -> Change:
    if type(result) is not dict:
        return Change("", unchanged=Unchanged.UNREADABLE)
    given, new = result.get("ori_openid"), result.get("new_openid")
    former = given.strip() if type(given) is str else ""
    if new is None and result.get("err_msg") == "ori_openid error":
        return Change(former, unchanged=Unchanged.NO_FOLLOWER)
    if type(new) is not str:
        return Change(former, unchanged=Unchanged.UNREADABLE)
    if (to_appid, new.strip()) == (from_appid, former):
        return Change(former, unchanged=Unchanged.SAME)
    try:
        data = OpenidChanged(
            appid=to_appid, openid=new.strip(), former_appid=from_appid, former_openid=former
        )
    except ValidationError:
        return Change(former, unchanged=Unchanged.UNREADABLE)
    id_ = f"openid-changed.{digest(from_appid, former, to_appid, data.openid)}"
    return Change(former, OutboundEvent(TOPIC_PRIVACY, OPENID_CHANGED, id_, time, data))
