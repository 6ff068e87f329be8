# SPDX-License-Identifier: Apache-2.0
"""Translates refunds that reached the payer. They name no person, only the payment.

Sources: WeChat Pay v3 documents 4012791865 (direct), 4013080237 (partner). The person's account
that received the money (``user_received_account``) is never kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from schemas.pay import REFUND_SUCCEEDED
from stream.wechat.delivery_result import DeliveryAccepted
from stream.wechat.event_builder import checked, event, refund_id
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import Fields, extract, fen, object_of, stripped, timestamp
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.payments import in_fen

_AMOUNT: Fields = MappingProxyType(
    {
        "total": fen,
        "refund": fen,
        "payer_total": fen,
        "payer_refund": fen,
        "currency": stripped,
        "payer_currency": stripped,
    }
)
_REFUND = {
    "transaction_id": stripped,
    "out_trade_no": stripped,
    "refund_id": stripped,
    "out_refund_no": stripped,
    "refund_status": stripped,
    "success_time": timestamp,
    "amount": object_of(_AMOUNT),
}
_DIRECT: Fields = MappingProxyType({**_REFUND, "mchid": stripped})
_PARTNER: Fields = MappingProxyType({**_REFUND, "sp_mchid": stripped, "sub_mchid": stripped})

_DETAILS: Final = frozenset({"out_trade_no", "out_refund_no"})

#: No money was refunded: closed, or stuck until the merchant acts.
NOT_MADE = ("CLOSED", "ABNORMAL")


def read_refund(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``refund``."""
    partner = "sp_mchid" in notification.data
    if "refund_id" not in notification.data and "amount" not in notification.data:
        return DeliveryAccepted(Kind.NO_REFUND)  # other products have the same type
    refund = extract(notification.data, _PARTNER if partner else _DIRECT)
    if refund.get("refund_status") in NOT_MADE:
        return DeliveryAccepted(Kind.REFUND_NOT_MADE)
    amount = refund.get("amount")
    if type(amount) is dict:
        refund["amount"] = in_fen(amount, "total", "refund")
        if refund["amount"] is None:
            return DeliveryAccepted(Kind.FOREIGN_CURRENCY)
    model: Any = checked(REFUND_SUCCEEDED, refund, _DETAILS)
    refunded = event(REFUND_SUCCEEDED, refund_id(model.refund_id), model.success_time, model)
    return DeliveryAccepted(Kind.PARTNER_REFUND if partner else Kind.REFUND, (refunded,))
