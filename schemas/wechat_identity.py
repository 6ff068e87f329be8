# SPDX-License-Identifier: Apache-2.0
"""Identity results from WeChat's API: Union IDs of openids, and changed openids."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from schemas.base import Id, PersonId
from schemas.identifiers import Origin
from schemas.source import Proof, Source, by_fields
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY, TOPIC_PRIVACY
from schemas.touchpoints import Touchpoint

UNIONID_RESOLVED = "unionid.resolved.v1"
OPENID_CHANGED = "openid.changed.v1"


class UnionidResolved(Origin):
    """The origin belongs to ``unionid``, within the Open Platform account of the app.

    ``method`` is the source: an API (getPaidUnionId, user/info or its batchget), or a notification
    about a member card. ``transaction_id`` is the payment in the API call. The event is on the
    topic of the app's kind.
    """

    unionid: PersonId
    method: Literal["get_paid_unionid", "user_info", "batchget", "member_card"]
    transaction_id: Id | None = None


class OpenidChanged(Origin):
    """An account was migrated (公众号迁移): ``former_openid`` has become ``openid``.

    One result of changeopenid. On topic ``privacy.requests``. The two origins are one person;
    later events of the former one count for the new one.
    """

    former_appid: Id
    former_openid: PersonId

    @property
    def former(self) -> tuple[str, str]:
        """``(appid, openid)`` before the migration"""
        return self.former_appid, self.former_openid

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.former == self.origin:
            raise ValueError("former_appid and former_openid must be another origin")
        return self


SOURCES = (
    Source(
        type=UNIONID_RESOLVED,
        model=UnionidResolved,
        topics=(TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT, TOPIC_MINI_PROGRAM),
        touchpoint=Touchpoint.IDENTIFIED,
        key=by_fields("unionid"),
        fields={"method": str},
        proves=frozenset({Proof.UNION}),
        payment="transaction_id",
        people=("openid", "unionid"),
    ),
    Source(
        type=OPENID_CHANGED,
        model=OpenidChanged,
        topics=(TOPIC_PRIVACY,),
        touchpoint=Touchpoint.IDENTIFIED,
        key=by_fields("former_appid", "former_openid"),
        proves=frozenset({Proof.ALIAS}),
        people=("openid", "former_openid"),
    ),
)
