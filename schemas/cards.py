"""Topics ``wechat.pay`` and ``wechat.official-account``: member cards (会员卡, 商家名片会员).

``card_id`` is the kind of card, ``card_code`` the one card of a person. Sources: WeChat Pay v3
documents 4012288215 (MEMBERCARD.*), 4015878622 (BRAND_MEMBER_CARD_SP.*); Official Account pushes
``user_get_card``, ``user_del_card``, ``user_consume_card``, ``user_pay_from_pay_cell``.
"""

from __future__ import annotations

from schemas.base import Id, MerchantNo, PersonId
from schemas.identifiers import Origin

CARD_ACCEPTED = "card.accepted.v1"
CARD_DELETED = "card.deleted.v1"
CARD_USED = "card.used.v1"


class _Card(Origin):
    card_id: Id
    card_code: MerchantNo | None = None


class CardAccepted(_Card):
    """Somebody took the card. Who gave it to them (FriendUserName) is never kept."""

    unionid: PersonId | None = None


class CardDeleted(_Card):
    """Somebody threw the card away. It withdraws no consent."""


class CardUsed(_Card):
    """The card was shown or paid with; ``transaction_id`` is the payment (微信买单), if any.

    The member of staff who took it (StaffOpenId) is never kept.
    """

    transaction_id: Id | None = None
