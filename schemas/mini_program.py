"""Topic ``wechat.mini-program``: what a mini-program's server saw, and what WeChat pushes to it.

WeChat pushes only that a conversation was entered, messages and notices; the rest the merchant's
server publishes after it has resolved the session. What a client says about its own openid must
not be passed on. ``price_fen`` and ``total_fen`` are integer fen.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Fen, Id, MerchantNo, PersonId, text
from schemas.identifiers import Origin

SESSION_LOGGED_IN = "session.logged_in.v1"
PAGE_VIEWED = "page.viewed.v1"
PRODUCT_VIEWED = "product.viewed.v1"
CART_ADDED = "cart.added.v1"
ORDER_PLACED = "order.placed.v1"
CONTENT_SHARED = "content.shared.v1"
LIVESTREAM_WATCHED = "livestream.watched.v1"
CONTENT_UPLOADED = "content.uploaded.v1"
CONVERSATION_ENTERED = "conversation.entered.v1"

Path = Annotated[str, text(1024, min_length=1)]


class SessionLoggedIn(Origin):
    """The answer of code2Session, without the session key.

    ``unionid`` is present when the app belongs to an Open Platform account. With
    ``is_snapshot_user`` all ids are virtual and shared between people: they never bind.
    """

    unionid: PersonId | None = None
    is_snapshot_user: bool = False


class PageViewed(Origin):
    """``scene`` is WeChat's number for the way into the mini-program (1011: scanned code)."""

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
    """An order, paid or not; ``total_fen`` in fen. Purchases are counted from payments."""

    order_id: MerchantNo
    total_fen: Fen


class ContentShared(Origin):
    """``share_method`` is the merchant's word for the way of sharing."""

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
    """``user_enter_tempsession``: a talk with customer service was opened.

    The merchant's own token (SessionFrom) is not kept.
    """
