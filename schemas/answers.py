"""What WeChat says of who somebody is: Union IDs, and openids which have changed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from schemas.base import Id, PersonId
from schemas.identifiers import Origin

UNIONID_RESOLVED = "unionid.resolved.v1"
OPENID_CHANGED = "openid.changed.v1"


class UnionidResolved(Origin):
    """The origin belongs to ``unionid``, within the Open Platform account of the app.

    ``method`` is what said so: an interface which was asked (getPaidUnionId, user/info or its
    batchget), or a notification about a member card. ``transaction_id`` is the payment which was
    asked about. An answer is on the topic of the app's kind.
    """

    unionid: PersonId
    method: Literal["get_paid_unionid", "user_info", "batchget", "member_card"]
    transaction_id: Id | None = None


class OpenidChanged(Origin):
    """An account was migrated (公众号迁移): who had ``former_openid`` has ``openid`` now.

    One result of changeopenid. On topic ``privacy.requests``. The two origins are one person;
    what still comes for the former one counts for the new one.
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
