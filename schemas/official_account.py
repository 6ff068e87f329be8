# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.official-account``: pushes of an Official Account (服务号, 公众号).

``openid`` is the push's FromUserName, ``appid`` the account's own (the push names it only in
its encrypted form, or by a configured original id). No push carries a Union ID.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.base import Id, text
from schemas.identifiers import Origin
from schemas.source import Source, by_fields, by_instant
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from schemas.touchpoints import Touchpoint

ACCOUNT_FOLLOWED = "account.followed.v1"
ACCOUNT_UNFOLLOWED = "account.unfollowed.v1"
QRCODE_SCANNED = "qrcode.scanned.v1"
MENU_CLICKED = "menu.clicked.v1"
LINK_VIEWED = "link.viewed.v1"
MESSAGE_RECEIVED = "message.received.v1"

_TRADE = "last_trade_no_"

Ticket = Annotated[str, text(512)]


class AccountFollowed(Origin):
    """``subscribe``. ``event_key`` is what led to it, if WeChat says so.

    ``qrscene_<scene>``: a parametric QR code. ``last_trade_no_<transaction_id>``: the page
    after a payment (the prefix is not documented, but seen). ``ticket`` belongs to the code.
    """

    event_key: (
        Annotated[
            str,
            Field(pattern=r"^(qrscene_[^\r\n]{1,64}|last_trade_no_[A-Za-z0-9_-]{1,128})?$"),
        ]
        | None
    ) = None
    ticket: Ticket | None = None

    @property
    def transaction_id(self) -> str | None:
        """The payment after which the account was followed, if it was."""
        key = self.event_key or ""
        return key.removeprefix(_TRADE) if key.startswith(_TRADE) else None


class AccountUnfollowed(Origin):
    """``unsubscribe``. Its EventKey is never kept: one seen there belongs to another event."""


class QrcodeScanned(Origin):
    """``SCAN`` by a follower. ``event_key`` is the scene, without the prefix ``qrscene_``."""

    event_key: Annotated[str, text(64, min_length=1)]
    ticket: Ticket | None = None


class MenuClicked(Origin):
    """``CLICK``, ``scancode_push`` and the like. ``event_key`` is the key of the menu item.

    What was scanned (ScanResult) is never kept.
    """

    event_key: Annotated[str, text(128, min_length=1)]


class LinkViewed(Origin):
    """``VIEW``, ``view_miniprogram``. ``event_key`` is where the menu's link leads."""

    event_key: Annotated[str, text(1024, min_length=1)]
    menu_id: Id | None = None


class MessageReceived(Origin):
    """A message was sent to the account, or to a mini-program. Its content is never published.

    ``msg_id`` is WeChat's 64-bit MsgId as a string: it does not fit a JSON number.
    """

    msg_id: Id
    msg_type: Annotated[str, Field(pattern="^[a-z_]{1,32}$")]


SOURCES = (
    Source(
        type=ACCOUNT_FOLLOWED,
        model=AccountFollowed,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.FOLLOW,
        key=by_instant,
        fields={"event_key": str},
        people=("openid",),
    ),
    Source(
        type=ACCOUNT_UNFOLLOWED,
        model=AccountUnfollowed,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.UNFOLLOW,
        key=by_instant,
        people=("openid",),
    ),
    Source(
        type=QRCODE_SCANNED,
        model=QrcodeScanned,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.SCAN,
        key=by_instant,
        fields={"event_key": str},
        people=("openid",),
    ),
    Source(
        type=MENU_CLICKED,
        model=MenuClicked,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.MENU_CLICK,
        key=by_instant,
        fields={"event_key": str},
        people=("openid",),
    ),
    Source(
        type=LINK_VIEWED,
        model=LinkViewed,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.LINK_VIEW,
        key=by_instant,
        fields={"event_key": str},
        people=("openid",),
    ),
    Source(
        type=MESSAGE_RECEIVED,
        model=MessageReceived,
        topics=(TOPIC_OFFICIAL_ACCOUNT, TOPIC_MINI_PROGRAM),
        touchpoint=Touchpoint.MESSAGE,
        key=by_fields("msg_id"),
        fields={"msg_type": str},
        people=("openid",),
    ),
)
