"""Topics ``wechat.official-account`` and ``wechat.mini-program``: notices, and leave to send them.

Sources: the pushes ``TEMPLATESENDJOBFINISH``, ``subscribe_msg_sent_event``,
``subscribe_msg_popup_event`` and ``subscribe_msg_change_event``.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import Id
from schemas.identifiers import Origin

NOTICE_DELIVERED = "notice.delivered.v1"
SUBSCRIPTION_ANSWERED = "subscription.answered.v1"


class NoticeDelivered(Origin):
    """What became of a notice: ``blocked`` by the person, or ``failed`` for another reason.

    ``msg_id`` is WeChat's number of the notice, as a string.
    """

    status: Literal["delivered", "blocked", "failed"]
    msg_id: Id | None = None
    template_id: Id | None = None


class SubscriptionAnswered(Origin):
    """Somebody said whether notices made from one template may be sent to them."""

    template_id: Id
    accepted: bool

    @property
    def answer(self) -> str:
        """``accept`` or ``reject``: WeChat's words for it."""
        return "accept" if self.accepted else "reject"
