"""Refunds which reached the payer. They name no person: they join the payment.

Sources: WeChat Pay v3 documents 4012791865 (direct), 4013080237 (partner). The account which
received the money (``user_received_account``) is a person's and is never kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from schemas.pay import REFUND_SUCCEEDED
from stream.wechat.heard import Heard
from stream.wechat.outgoing import checked, event, refund_id
from stream.wechat.pay.envelope import Notice
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.payments import in_fen
from stream.wechat.pay.picking import Fields, fen, moment, part, pick, word

_AMOUNT: Fields = MappingProxyType(
    {
        "total": fen,
        "refund": fen,
        "payer_total": fen,
        "payer_refund": fen,
        "currency": word,
        "payer_currency": word,
    }
)
_REFUND = {
    "transaction_id": word,
    "out_trade_no": word,
    "refund_id": word,
    "out_refund_no": word,
    "refund_status": word,
    "success_time": moment,
    "amount": part(_AMOUNT),
}
_DIRECT: Fields = MappingProxyType({**_REFUND, "mchid": word})
_PARTNER: Fields = MappingProxyType({**_REFUND, "sp_mchid": word, "sub_mchid": word})

#: Nothing has been given back: closed, or stuck until the merchant acts.
NOT_MADE = ("CLOSED", "ABNORMAL")


def read_refund(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``refund`` comes to."""
    partner = "sp_mchid" in notice.data
    refund = pick(notice.data, _PARTNER if partner else _DIRECT)
    if refund.get("refund_status") in NOT_MADE:
        return Heard(Kind.REFUND_NOT_MADE)
    amount = refund.get("amount")
    if type(amount) is dict:
        refund["amount"] = in_fen(amount, "total", "refund")
        if refund["amount"] is None:
            return Heard(Kind.FOREIGN_CURRENCY)
    model: Any = checked(REFUND_SUCCEEDED, refund)
    told = event(REFUND_SUCCEEDED, refund_id(model.refund_id), model.success_time, model)
    return Heard(Kind.PARTNER_REFUND if partner else Kind.REFUND, (told,))
