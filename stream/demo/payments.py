# SPDX-License-Identifier: Apache-2.0
"""Generate payments and refunds in the format of WeChat Pay v3."""

from __future__ import annotations

from typing import Any

from schemas.pay import PAYMENT_SUCCEEDED, REFUND_SUCCEEDED
from stream.demo.clock import HOUR_MS, MINUTE_MS, pick_weighted, rfc3339
from stream.demo.journal import Journal
from stream.demo.people import PROVIDER_APP, PROVIDER_MCHID, Consumer, person_id
from stream.demo.wire import Happening

_GOODS = (
    ("SOYMILK-L", 600),
    ("BAOZI-PORK", 350),
    ("JIANBING", 900),
    ("RICE-BALL", 750),
    ("COFFEE-M", 1500),
    ("SALAD-CHICKEN", 2600),
)
_TRADE_TYPES = (("JSAPI", 70), ("MICROPAY", 20), ("NATIVE", 6), ("FACEPAY", 4))
_BANKS = ("OTHERS", "CMB_DEBIT", "ICBC_CREDIT", "CCB_DEBIT")
#: The parts of an order which its refunds give back.
_REFUNDED = (((1, 1),), ((1, 4),), ((1, 4), (1, 3)))
_TRADE_STATE = {"trade_state": "SUCCESS", "trade_state_desc": "支付成功"}


def pay(
    journal: Journal,
    consumer: Consumer,
    role: str,
    at_ms: int,
    total_fen: int,
    *,
    order: str | None = None,
    arrives_ms: int | None = None,
    trade_type: str | None = None,
) -> Happening:
    """One payment in the app of ``role``; a refund may follow, a notification may be slow."""
    rng = journal.rng
    transaction = _transaction_id(journal, at_ms)
    order = order or journal.order_number()
    data: dict[str, Any] = {
        "transaction_id": transaction,
        "out_trade_no": order,
        "trade_type": trade_type or pick_weighted(rng, _TRADE_TYPES),
        **_TRADE_STATE,
        "bank_type": rng.choice(_BANKS),
        "attach": f"store={consumer.brand.name}-{consumer.number % 40:03d}",
        "success_time": rfc3339(at_ms),
        **_payer(journal, consumer, role),
        **_amount(journal, total_fen),
    }
    if data["trade_type"] in ("MICROPAY", "FACEPAY"):
        till = f"{consumer.brand.name}-{consumer.number % 40:03d}-{rng.randint(1, 4):02d}"
        data["scene_info"] = {"device_id": till}
    if arrives_ms is None and journal.chance(0.02):  # the first attempts did not get through
        arrives_ms = at_ms + journal.clock.after_attempts(rng.randint(1, 8))
    payment = journal.note(
        consumer,
        PAYMENT_SUCCEEDED,
        at_ms,
        data,
        key=rng.choice((order, transaction, None)),
        arrives_ms=arrives_ms,
    )
    consumer.transactions.append(transaction)
    if at_ms >= journal.clock.start and journal.chance(0.05):
        _refund(journal, consumer, payment)
    return payment


def breakfast_fen(journal: Journal) -> int:
    """The price of a breakfast or a lunch: one to four articles."""
    return sum(price for _, price in journal.rng.choices(_GOODS, k=journal.rng.randint(1, 4)))


def _transaction_id(journal: Journal, at_ms: int) -> str:
    day = rfc3339(at_ms)[:10].replace("-", "")
    return f"42000029{journal.rng.randint(10, 99)}{day}{journal.rng.randrange(10**10):010d}"


def _payer(journal: Journal, consumer: Consumer, role: str) -> dict[str, Any]:
    appid, openid = consumer.brand.app[role], consumer.openids[role]
    if not journal.chance(0.15):
        return {"appid": appid, "mchid": consumer.brand.mchid, "payer": {"openid": openid}}
    payer = {"sp_openid": person_id(journal.rng, "oSpPay")}
    shape: dict[str, Any] = {
        "sp_appid": PROVIDER_APP,
        "sp_mchid": PROVIDER_MCHID,
        "sub_mchid": consumer.brand.mchid,
        "payer": payer,
    }
    if journal.chance(0.85):  # else the order was made without the merchant's own app
        shape["sub_appid"] = appid
        payer["sub_openid"] = openid
    return shape


def _amount(journal: Journal, total_fen: int) -> dict[str, Any]:
    currency = {"currency": "CNY", "payer_currency": "CNY"}
    if total_fen < 1000 or not journal.chance(0.2):
        return {"amount": {"total": total_fen, "payer_total": total_fen, **currency}}
    rng = journal.rng
    off = rng.choice((100, 200, 500))
    by_merchant = rng.random() < 0.8
    goods, price = rng.choice(_GOODS)
    coupon = {
        "coupon_id": f"{rng.randrange(10**11):011d}",
        "name": f"立减{off // 100}元",
        "scope": "SINGLE",
        "type": "CASH",
        "amount": off,
        "stock_id": f"{rng.randrange(10**8):08d}",
        "wechatpay_contribute": 0 if by_merchant else off,
        "merchant_contribute": off if by_merchant else 0,
        "other_contribute": 0,
        "currency": "CNY",
        "goods_detail": [
            {"goods_id": goods, "quantity": 1, "unit_price": price, "discount_amount": off}
        ],
    }
    return {
        "amount": {"total": total_fen, "payer_total": total_fen - off, **currency},
        "promotion_detail": [coupon],
    }


def _refund(journal: Journal, consumer: Consumer, payment: Happening) -> None:
    """Full, or in one or two parts; one in four arrives before the notification of its payment."""
    rng, amount = journal.rng, payment.data["amount"]
    total, paid = amount["total"], amount["payer_total"]
    shares = rng.choices(_REFUNDED, (5, 3, 2))[0]
    at_ms = payment.at_ms
    for part, of in shares:
        at_ms += rng.randrange(2 * MINUTE_MS, 3 * HOUR_MS) // 1000 * 1000
        if at_ms > journal.clock.end:
            return
        refunded = total * part // of, paid * part // of
        data = _refund_data(journal, payment, at_ms, refunded)
        journal.note(consumer, REFUND_SUCCEEDED, at_ms, data, key=rng.choice((None, "refunds")))
    if journal.chance(0.25):
        payment.arrives_ms = journal.clock.clip(at_ms + 10 * MINUTE_MS)


def _refund_data(
    journal: Journal, payment: Happening, at_ms: int, refunded: tuple[int, int]
) -> dict[str, Any]:
    data, rng = payment.data, journal.rng
    merchants = [name for name in ("mchid", "sp_mchid", "sub_mchid") if name in data]
    return {
        **{name: data[name] for name in merchants},
        "transaction_id": data["transaction_id"],
        "out_trade_no": data["out_trade_no"],
        "refund_id": f"503{rng.randrange(10**25):025d}",
        "out_refund_no": f"RF{journal.order_number()}",
        "refund_status": "SUCCESS",
        "success_time": rfc3339(at_ms),
        "amount": {
            "total": data["amount"]["total"],
            "refund": refunded[0],
            "payer_total": data["amount"]["payer_total"],
            "payer_refund": refunded[1],
        },
    }
