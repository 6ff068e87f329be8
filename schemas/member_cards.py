# SPDX-License-Identifier: Apache-2.0
"""Topics ``wechat.pay`` and ``wechat.official-account``: member cards (会员卡, 商家名片会员).

``card_id`` is the kind of card, ``card_code`` one person's card. Sources: WeChat Pay v3
documents 4012288215 (MEMBERCARD.*), 4015878622 (BRAND_MEMBER_CARD_SP.*); Official Account pushes
``user_get_card``, ``user_del_card``, ``user_consume_card``, ``user_pay_from_pay_cell``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.base import Id, MerchantNo, PersonId
from schemas.identifiers import Origin
from schemas.source import Proof, Source, by_fields
from schemas.topics import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY
from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

CARD_ACCEPTED = "card.accepted.v1"
CARD_DELETED = "card.deleted.v1"
CARD_USED = "card.used.v1"


class _Card(Origin):
    card_id: Id
    card_code: MerchantNo | None = None


class CardAccepted(_Card):
    """A person accepted the card. Who gave it to them (FriendUserName) is never kept."""

    unionid: PersonId | None = None


class CardDeleted(_Card):
    """A person deleted the card. This withdraws no consent."""


class CardUsed(_Card):
    """The card was shown or paid with; ``transaction_id`` is the payment (微信买单), if any.

    The employee who redeemed it (StaffOpenId) is never kept.
    """

    transaction_id: Id | None = None


def _by_use(event: Event) -> str:
    data: Any = event.data
    when = data.transaction_id or event.time_ms
    return f"{event.type}:{data.appid}:{data.openid}:{data.card_id}:{data.card_code or ''}:{when}"


SOURCES = (
    Source(
        type=CARD_ACCEPTED,
        model=CardAccepted,
        topics=(TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT),
        touchpoint=Touchpoint.CARD_ACCEPTED,
        key=by_fields("card_id", "card_code"),
        fields={"card_id": str},
        proves=frozenset({Proof.UNION}),
        people=("openid", "unionid"),
    ),
    Source(
        type=CARD_DELETED,
        model=CardDeleted,
        topics=(TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT),
        touchpoint=Touchpoint.CARD_DELETED,
        key=by_fields("card_id", "card_code"),
        fields={"card_id": str},
        people=("openid",),
    ),
    Source(
        type=CARD_USED,
        model=CardUsed,
        topics=(TOPIC_OFFICIAL_ACCOUNT,),
        touchpoint=Touchpoint.CARD_USED,
        key=_by_use,
        fields={"card_id": str},
        payment="transaction_id",
        people=("openid",),
    ),
)
