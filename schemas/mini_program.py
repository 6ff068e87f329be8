# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.mini-program``: events from a mini-program's server, and WeChat's pushes to it.

WeChat pushes only entered conversations, messages and notices; the merchant's server publishes the
rest after it has resolved the session. An openid that a client claims must not be passed on.
``price_fen`` and ``total_fen`` are integer fen.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from schemas.base import Fen, Id, MerchantNo, PersonId, Time, text
from schemas.identifiers import Origin
from schemas.order_lines import LINES_FIELDS, OrderLines
from schemas.source import Proof, Role, Source, by_fields, by_id, by_instant
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

SESSION_LOGGED_IN = "session.logged_in.v1"
PAGE_VIEWED = "page.viewed.v1"
PRODUCT_VIEWED = "product.viewed.v1"
CART_ADDED = "cart.added.v1"
ORDER_PLACED = "order.placed.v1"
ORDER_CANCELLED = "order.cancelled.v1"
CONTENT_SHARED = "content.shared.v1"
LIVESTREAM_WATCHED = "livestream.watched.v1"
CONTENT_UPLOADED = "content.uploaded.v1"
CONVERSATION_ENTERED = "conversation.entered.v1"

Path = Annotated[str, text(1024, min_length=1)]


class SessionLoggedIn(Origin):
    """The response of code2Session, without the session key.

    ``unionid`` is present when the app belongs to an Open Platform account. With
    ``is_snapshot_user`` all ids are virtual and shared between people: they never bind.
    """

    unionid: PersonId | None = None
    is_snapshot_user: bool = False


class PageViewed(Origin):
    """``scene`` is WeChat's scene number (1011: scanned code)."""

    path: Path
    scene: Annotated[int, Field(ge=0, le=99_999)] | None = None


class ProductViewed(Origin):
    """``price_fen`` as shown, in fen."""

    product_id: Id
    price_fen: Fen | None = None
    path: Path | None = None


class CartAdded(Origin):
    """``quantity`` pieces at ``price_fen`` (fen) each."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    price_fen: Fen | None = None


class OrderPlaced(Origin):
    """An order, paid or not; ``total_fen`` in fen. Purchases are counted from payments.

    If orders earn points, report cancelled ones too (``order.cancelled.v1``). WeChat's own pushes
    (an order in a linked WeChat Shop, a gift card bought) say no amount. ``lines`` are what was
    ordered.
    """

    order_id: MerchantNo
    total_fen: Fen | None = None
    lines: OrderLines = ()


class OrderCancelled(Origin):
    """The order is void permanently: cancelled, or never paid. It then earns nothing.

    ``placed_at`` is the event time of the cancelled order.
    """

    order_id: MerchantNo
    placed_at: Time


class ContentShared(Origin):
    """``share_method`` is the merchant's name of the way of sharing."""

    path: Path
    share_method: Annotated[str, text(64)] | None = None


class LivestreamWatched(Origin):
    """``watched_s``: seconds watched in this visit, at most a week."""

    room_id: Id
    watched_s: Annotated[int, Field(ge=0, le=7 * 86_400)]


class ContentUploaded(Origin):
    """The content itself is never published."""

    content_id: Id
    content_type: Literal["image", "video", "review", "text"]


class ConversationEntered(Origin):
    """``user_enter_tempsession``: a customer service conversation was opened.

    The merchant's own token (SessionFrom) is not kept.
    """


def _by_order(event: Event) -> str:
    data: Any = event.data
    return f"{ORDER_PLACED}:{data.appid}:{data.openid}:{data.order_id}"


def _placed_at(data: OrderCancelled) -> datetime:
    return data.placed_at


SOURCES = (
    Source(
        type=SESSION_LOGGED_IN,
        model=SessionLoggedIn,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.LOGIN,
        key=by_id,
        proves=frozenset({Proof.UNION}),
        people=("openid", "unionid"),
    ),
    Source(
        type=PAGE_VIEWED,
        model=PageViewed,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.PAGE_VIEW,
        key=by_id,
        fields={"path": str, "scene": int},
        people=("openid",),
    ),
    Source(
        type=PRODUCT_VIEWED,
        model=ProductViewed,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.PRODUCT_VIEW,
        key=by_id,
        fields={"product_id": str, "price_fen": int},
        people=("openid",),
    ),
    Source(
        type=CART_ADDED,
        model=CartAdded,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.ADD_TO_CART,
        key=by_id,
        fields={"product_id": str, "quantity": int, "price_fen": int},
        people=("openid",),
    ),
    Source(
        type=ORDER_PLACED,
        model=OrderPlaced,
        topics=(TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT),
        touchpoint=Touchpoint.ORDER,
        key=_by_order,
        fields={"total_fen": int, **LINES_FIELDS},
        bases=("total_fen",),
        people=("openid",),
    ),
    Source(
        type=ORDER_CANCELLED,
        model=OrderCancelled,
        topics=(TOPIC_MINI_PROGRAM,),
        role=Role.REVERSAL,
        touchpoint=Touchpoint.ORDER,
        key=_by_order,
        happened=_placed_at,
        people=("openid",),
    ),
    Source(
        type=CONTENT_SHARED,
        model=ContentShared,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.SHARE,
        key=by_id,
        fields={"path": str, "share_method": str},
        people=("openid",),
    ),
    Source(
        type=LIVESTREAM_WATCHED,
        model=LivestreamWatched,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.LIVE_STREAM,
        key=by_id,
        fields={"room_id": str, "watched_s": int},
        people=("openid",),
    ),
    Source(
        type=CONTENT_UPLOADED,
        model=ContentUploaded,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.UPLOAD,
        key=by_fields("content_id"),
        fields={"content_type": str},
        people=("openid",),
    ),
    Source(
        type=CONVERSATION_ENTERED,
        model=ConversationEntered,
        topics=(TOPIC_MINI_PROGRAM,),
        touchpoint=Touchpoint.CONVERSATION,
        key=by_instant,
        people=("openid",),
    ),
)
