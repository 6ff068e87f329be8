# SPDX-License-Identifier: Apache-2.0
"""Topics ``wechat.official-account``, ``wechat.mini-program``: notices and their subscriptions.

Sources: the pushes ``TEMPLATESENDJOBFINISH``, ``subscribe_msg_sent_event``,
``subscribe_msg_popup_event`` and ``subscribe_msg_change_event``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from schemas.base import Id
from schemas.identifiers import Origin
from schemas.source import Source
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

NOTICE_DELIVERED = "notice.delivered.v1"
SUBSCRIPTION_ANSWERED = "subscription.answered.v1"


class NoticeDelivered(Origin):
    """The delivery status of a notice: ``blocked`` by the person, or ``failed`` otherwise.

    ``msg_id`` is WeChat's number of the notice, as a string.
    """

    status: Literal["delivered", "blocked", "failed"]
    msg_id: Id | None = None
    template_id: Id | None = None


class SubscriptionAnswered(Origin):
    """A person accepted or rejected notices of one template."""

    template_id: Id
    accepted: bool

    @property
    def answer(self) -> Literal["accept", "reject"]:
        """``accept`` or ``reject``, WeChat's constants."""
        return "accept" if self.accepted else "reject"


def _by_notice(event: Event) -> str:
    data: Any = event.data
    which = data.msg_id or f"{event.time_ms}:{data.template_id or ''}"
    return f"{event.type}:{data.appid}:{data.openid}:{which}"


def _by_answer(event: Event) -> str:
    data: Any = event.data
    return f"{event.type}:{data.appid}:{data.openid}:{event.time_ms}:{data.template_id}"


SOURCES = (
    Source(
        type=NOTICE_DELIVERED,
        model=NoticeDelivered,
        topics=(TOPIC_OFFICIAL_ACCOUNT, TOPIC_MINI_PROGRAM),
        touchpoint=Touchpoint.NOTICE,
        key=_by_notice,
        fields={"template_id": str, "status": str},
        people=("openid",),
    ),
    Source(
        type=SUBSCRIPTION_ANSWERED,
        model=SubscriptionAnswered,
        topics=(TOPIC_OFFICIAL_ACCOUNT, TOPIC_MINI_PROGRAM),
        touchpoint=Touchpoint.SUBSCRIPTION,
        key=_by_answer,
        fields={"template_id": str, "answer": str},
        people=("openid",),
    ),
)
