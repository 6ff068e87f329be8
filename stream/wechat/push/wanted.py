# SPDX-License-Identifier: Apache-2.0
"""What WeChat wants as the answer to a push, by its name.

Sources, on developers.weixin.qq.com: virtual-payment-callback (``xpay_…``), store/shop/notify
(membership of a shop).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Wanted(Enum):
    """What WeChat wants to hear."""

    SUCCESS = auto()  # that it was received
    ERROR_CODE = auto()  # ErrCode 0: it was received and done; else WeChat repeats it
    DECISION = auto()  # of the brand's own system, within 3 s; the gateway has none to give


#: May this person pay members' prices, how much is taken off, may Apple pay the money back?
DECISIONS: Final = frozenset(
    {
        "channels_ec_vip_user_info_get",
        "channels_ec_gen_order_info_init",
        "channels_ec_order_use_vip_discount",
        "xpay_subscribe_ios_refund_query_notify",
    }
)


def wanted_by(event: str) -> Wanted:
    """What the push of this name (in lower case, empty for a message) wants."""
    if event in DECISIONS:
        return Wanted.DECISION
    return Wanted.ERROR_CODE if event.startswith("xpay_") else Wanted.SUCCESS
