# SPDX-License-Identifier: Apache-2.0
"""An example of each kind of notification, in the shapes WeChat Pay documents.

All ids are made up. `SHAPES` is by name; ``becomes`` is the kind and the types of the events.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from stream.wechat.pay.decryption import Notification

CREATED = "2026-03-01T08:00:00+08:00"
MINI_PROGRAM = "wx1a2b3c4d5e6f7a02"
ACCOUNT = "wx1a2b3c4d5e6f7a01"
PROVIDER = "wx1a2b3c4d5e6f7a09"
MCHID = "1900000001"
SHOP_MCHID = "1900000777"
PROVIDER_MCHID = "1800000001"
OPENID = "oMei00_0000-0000000000000001"
ACCOUNT_OPENID = "oMei00_0000-0000000000000002"
UNIONID = "uMei00_0000-0000000000000003"
CARD_ID = "pCardExample0000000000000001"
CARD_CODE = "478500000001"
TRANSACTION = "4200000000202603010000000001"
PAID = "2026-03-01T08:12:30+08:00"

PAYMENT = "payment.succeeded.v1"
REFUND = "refund.succeeded.v1"


@dataclass(frozen=True)
class Shape:
    """A payload, what its envelope says of it, and what it must become."""

    event_type: str
    original_type: str
    data: dict[str, Any]
    kind: str
    becomes: tuple[str, ...] = field(default=())

    def with_(self, **changes: Any) -> dict[str, Any]:
        """The payload with fields set, or taken out when ``...``; ``a__b`` is ``a.b``."""
        changed = copy.deepcopy(self.data)
        for path, value in changes.items():
            *parents, last = [int(s) if s.isdigit() else s for s in path.split("__")]
            node: Any = changed
            for step in parents:
                node = node[step]
            if value is ...:
                node.pop(last)
            else:
                node[last] = value
        return changed

    def notification(self, event_type: str = "", /, **changes: Any) -> Notification:
        """As the readers are given it; ``changes`` as of `with_`."""
        return Notification(
            event_type or self.event_type, self.original_type, CREATED, self.with_(**changes)
        )


_ORDER: dict[str, Any] = {
    "transaction_id": TRANSACTION,
    "out_trade_no": "BF20260301-0001",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "bank_type": "CMB_DEBIT",
    "attach": "store=SH-031",
    "success_time": PAID,
    "amount": {"total": 2800, "payer_total": 2300, "currency": "CNY", "payer_currency": "CNY"},
    "scene_info": {"device_id": "SH-031-02"},
}
_COUPON = {
    "coupon_id": "29871000001",
    "name": "早餐立减5元",
    "scope": "SINGLE",
    "type": "CASH",
    "amount": 500,
    "stock_id": "18450001",
    "wechatpay_contribute": 0,
    "merchant_contribute": 500,
    "other_contribute": 0,
    "currency": "CNY",
    "goods_detail": [
        {"goods_id": "SOYMILK-L", "quantity": 1, "unit_price": 1200, "discount_amount": 500}
    ],
}
_DIRECT = {
    **_ORDER,
    "appid": MINI_PROGRAM,
    "mchid": MCHID,
    "payer": {"openid": OPENID},
    "promotion_detail": [_COUPON],
}
_PARTNER = {
    **_ORDER,
    "sp_appid": PROVIDER,
    "sp_mchid": PROVIDER_MCHID,
    "sub_appid": MINI_PROGRAM,
    "sub_mchid": SHOP_MCHID,
    "payer": {"sp_openid": ACCOUNT_OPENID, "sub_openid": OPENID},
}
_COMBINED = {
    "combine_appid": MINI_PROGRAM,
    "combine_mchid": MCHID,
    "combine_out_trade_no": "C20260301-0001",
    "scene_info": {"device_id": "POS1:1"},
    "sub_orders": [
        {
            "mchid": mchid,
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "bank_type": "CMC",
            "attach": "深圳分店",
            "amount": {
                "total_amount": total,
                "payer_amount": total - 100,
                "currency": "CNY",
                "payer_currency": "CNY",
                "settlement_rate": 650000000,
            },
            "success_time": "2026-03-01T08:12:30.120+08:00",
            "transaction_id": f"420000000020260301000000001{number}",
            "out_trade_no": f"S20260301-000{number}",
        }
        for number, (mchid, total) in enumerate([(MCHID, 1000), (SHOP_MCHID, 2000)])
    ],
    "combine_payer_info": {"openid": OPENID},
}
_GLOBAL = {
    "id": TRANSACTION,
    "appid": MINI_PROGRAM,
    "mchid": MCHID,
    "out_trade_no": "G20260301-0001",
    "payer": {"openid": OPENID},
    "amount": {
        "total": 52880,
        "currency": "HKD",
        "payer_total": 51879,
        "payer_currency": "CNY",
        "exchange_rate": {"type": "SETTLEMENT_RATE", "rate": 8000000},
    },
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "bank_type": "CCB_DEBIT",
    "success_time": PAID,
    "promotion_detail": [
        {
            "promotion_id": "109000",
            "name": "八达通立减",
            "scope": "SINGLE",
            "type": "DISCOUNT",
            "amount": 1,
            "currency": "HKD",
            "wechatpay_contribute_amount": 1,
        }
    ],
}
_PARKING = {
    "appid": MINI_PROGRAM,
    "mchid": MCHID,
    "out_trade_no": "P20260301-0001",
    "transaction_id": TRANSACTION,
    "trade_state": "SUCCESS",
    "trade_state_description": "扣款成功",
    "bank_type": "CMC",
    "success_time": PAID,
    "create_time": PAID,
    "user_repaid": "N",
    "description": "停车场扣费",
    "trade_scene": "PARKING",
    "payer": {"openid": OPENID},
    "amount": {"total": 1500, "discount_total": 100, "payer_total": 1400, "currency": "CNY"},
    "parking_info": {
        "parking_id": "5K8264ILTKCH16CQ0001",
        "plate_number": "粤B00000",
        "plate_color": "BLUE",
        "parking_name": "海岸停车场",
        "charging_duration": 3600,
        "device_id": "12321",
    },
    "promotion_detail": [{"coupon_id": "109001", "type": "DISCOUNT", "amount": 100}],
}
_PROFIT_SHARING = {
    "sp_mchid": PROVIDER_MCHID,
    "sub_mchid": SHOP_MCHID,
    "transaction_id": TRANSACTION,
    "order_id": "30000000202603010000000000001",
    "out_order_no": "PS-1",
    "receiver": {
        "type": "PERSONAL_OPENID",
        "account": OPENID,
        "amount": 100,
        "description": "分账",
    },
    "success_time": PAID,
}
_REFUND = {
    "mchid": MCHID,
    "transaction_id": TRANSACTION,
    "out_trade_no": "BF20260301-0001",
    "refund_id": "50000000002026030200000000001",
    "out_refund_no": "R20260302-0001",
    "refund_status": "SUCCESS",
    "success_time": "2026-03-02T10:34:56+08:00",
    "user_received_account": "招商银行信用卡0000",
    "amount": {"total": 2800, "refund": 1400, "payer_total": 2300, "payer_refund": 1150},
}
_PARTNER_REFUND = {
    **{name: value for name, value in _REFUND.items() if name != "mchid"},
    "sp_mchid": PROVIDER_MCHID,
    "sub_mchid": SHOP_MCHID,
}
_SHOP = {
    "mchid": MCHID,
    "merchant_name": "滨江天地",
    "shop_name": "重庆烤鱼（滨江店）",
    "shop_number": "50001",
    "appid": MINI_PROGRAM,
    "openid": OPENID,
    "transaction_id": TRANSACTION,
}
_MALL_PAYMENT = {
    **_SHOP,
    "amount": 2000,
    "time_end": "2026-03-01T13:29:35+08:00",
    "code": CARD_CODE,
    "auth_type": "REGISTERED_MODE",
}
_MALL_REFUND = {
    **_SHOP,
    "refund_time": "2026-03-02T12:13:50+08:00",
    "pay_amount": 2000,
    "refund_amount": 1000,
    "refund_id": "50000000002026030200000000002",
}
_MALL_AUTHORISATION = {
    "openid": OPENID,
    "code": CARD_CODE,
    "mchid": MCHID,
    "auth_type": "REGISTERED_AND_AUTHORIZATION_MODE ",
}
_COUPON_SENT = {
    "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
    "coupon_code": "122794495900000000001",
    "stock_id": "1286950000000001",
    "send_time": "2026-03-01T10:35:53+08:00",
    "openid": ACCOUNT_OPENID,
    "unionid": UNIONID,
    "send_channel": "BUSICOUPON_SEND_CHANNEL_PAYGIFT",
    "send_merchant": MCHID,
    "attach_info": {"transaction_id": TRANSACTION, "act_code": "540000001"},
}
_COUPON_USED = {
    "stock_creator_mchid": MCHID,
    "stock_id": "9865001",
    "coupon_id": "98674001",
    "coupon_name": "微信支付代金券",
    "status": "USED",
    "create_time": "2026-03-01T13:29:35.120+08:00",
    "coupon_type": "NORMAL",
    "no_cash": True,
    "consume_information": {
        "consume_time": "2026-03-02T13:29:35.120+08:00",
        "consume_mchid": MCHID,
        "transaction_id": TRANSACTION,
    },
}
_PRODUCT_COUPON = {
    "brand_id": "12001",
    "coupon_code": "122794495900000000002",
    "product_coupon_id": "1000930001",
    "stock_id": "1000930001001",
    "appid": ACCOUNT,
    "openid": ACCOUNT_OPENID,
    "unionid": UNIONID,
    "receive_time": "2026-03-01T13:29:35.120+08:00",
    "send_request_no": "SEND1",
    "send_channel": "API",
    "phone_number": "13200000000",
    "country_code": "86",
    "attach": "brand_custom_attach",
}
_PAY_SCORE = {
    "appid": MINI_PROGRAM,
    "mchid": MCHID,
    "out_order_no": "ps-1",
    "service_id": "500001",
    "openid": OPENID,
    "state": "DONE",
    "total_amount": "4000",
    "order_id": "15646546545165651651",
    "need_collection": True,
    "collection": {
        "state": "USER_PAID",
        "total_amount": "4000",
        "paying_amount": 0,
        "paid_amount": 4000,
        "details": [
            {
                "seq": 1,
                "amount": 3000,
                "paid_type": "NEWTON",
                "paid_time": "20260301081230",
                "transaction_id": TRANSACTION,
                "promotion_detail": [_COUPON],
            },
            {
                "seq": 2,
                "amount": "400",
                "paid_type": "NEWTON",
                "paid_time": "20260301081330",
                "transaction_id": TRANSACTION[:-1] + "2",
            },
            {"seq": 3, "amount": 600, "paid_type": "MCH", "paid_time": "20260301090000"},
        ],
    },
}
_BRAND_COUPON = {
    "brand_id": "1077",
    "product_coupon_id": "200000001",
    "stock_id": "100232301",
    "coupon_code": "Code_123456",
    "appid": ACCOUNT,
    "openid": ACCOUNT_OPENID,
    "unionid": UNIONID,
    "receive_time": "2026-02-28T20:39:36+08:00",
}
_CARD = {
    "event_type": "NEW_ACTIVATE",
    "event_time": "2026-03-01T10:35:53+08:00",
    "openid": ACCOUNT_OPENID,
    "unionid": UNIONID,
    "card_id": CARD_ID,
    "code": CARD_CODE,
    "outer_str": "sz_store_001",
    "phone_number": "encrypted+phone+number=",
}
_BRAND_CARD = {
    "brand_id": "1077",
    "card_id": CARD_ID,
    "card_type": "NORMAL",
    "level": "钻石会员",
    "openid": ACCOUNT_OPENID,
    "phone_number": "encrypted+phone+number=",
    "pickup_time": "2026-03-01T13:29:35.120+08:00",
    "user_card_code": CARD_CODE,
    "user_card_state": "EFFECTIVE",
    "create_time": "2026-03-01T13:29:35.120+08:00",
    "modify_time": "2026-03-01T13:29:35.120+08:00",
    "user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "x="}]},
    "attach": "brand_data",
}
_PAID = "TRANSACTION.SUCCESS"


def _inner(event_type: str) -> dict[str, Any]:
    return {**_CARD, "event_type": event_type}


SHAPES: dict[str, Shape] = {
    "direct": Shape(_PAID, "transaction", _DIRECT, "payment", (PAYMENT,)),
    "deduction": Shape(
        _PAID, "transaction", {**_DIRECT, "trade_type": "PAP"}, "payment", (PAYMENT,)
    ),
    "partner": Shape(_PAID, "transaction", _PARTNER, "partner_payment", (PAYMENT,)),
    "combined": Shape(_PAID, "transaction", _COMBINED, "combine_payment", (PAYMENT, PAYMENT)),
    "global": Shape(_PAID, "transaction", _GLOBAL, "payment", (PAYMENT,)),
    "parking": Shape(_PAID, "transaction", _PARKING, "parking_payment", (PAYMENT,)),
    "profit sharing": Shape(_PAID, "profitsharing", _PROFIT_SHARING, "profit_sharing"),
    "refund": Shape("REFUND.SUCCESS", "refund", _REFUND, "refund", (REFUND,)),
    "partner refund": Shape(
        "REFUND.SUCCESS", "refund", _PARTNER_REFUND, "partner_refund", (REFUND,)
    ),
    "mall payment": Shape(
        "MALL_TRANSACTION.SUCCESS", "mall_transaction", _MALL_PAYMENT, "mall_payment", (PAYMENT,)
    ),
    "mall refund": Shape(
        "MALL_REFUND.SUCCESS", "mall_refund", _MALL_REFUND, "mall_refund", (REFUND,)
    ),
    "mall authorisation": Shape(
        "MALL_AUTH.ACTIVATE_CARD",
        "mall_auth",
        _MALL_AUTHORISATION,
        "mall_authorisation",
        ("mall.authorised.v1", "consent.granted.v1"),
    ),
    "coupon sent": Shape(
        "COUPON.SEND", "coupon", _COUPON_SENT, "coupon_received", ("coupon.received.v1",)
    ),
    "coupon used": Shape("COUPON.USE", "coupon", _COUPON_USED, "coupon_used", ("coupon.used.v1",)),
    "product coupon": Shape(
        "PRODUCT_COUPON_SP.SEND",
        "product_coupon",
        _PRODUCT_COUPON,
        "coupon_received",
        ("coupon.received.v1",),
    ),
    "brand's product coupon": Shape(
        "PRODUCT_COUPON.SEND",
        "product_coupon",
        _BRAND_COUPON,
        "coupon_received",
        ("coupon.received.v1",),
    ),
    "pay score": Shape(
        "PAYSCORE.USER_PAID", "payscore", _PAY_SCORE, "pay_score_payment", (PAYMENT, PAYMENT)
    ),
    "card accepted": Shape(
        "MEMBERCARD.ACCEPT_CARD", "membercard", _CARD, "card_accepted", ("card.accepted.v1",)
    ),
    "card recovered": Shape(
        "MEMBERCARD.ACCEPT_CARD",
        "membercard",
        _inner("RECOVER"),
        "card_accepted",
        ("card.accepted.v1",),
    ),
    "card by phone": Shape(
        "MEMBERCARD.ACCEPT_CARD",
        "membercard",
        _inner("MEMBER_CARD_ACCEPT_BY_PHONE_NUMBER"),
        "card_accepted",
        ("card.accepted.v1",),
    ),
    "card activated": Shape(
        "MEMBERCARD.ACTIVATE_CARD",
        "membercard",
        _inner("MEMBER_CARD_ACTIVATE"),
        "card_accepted",
        ("card.accepted.v1",),
    ),
    "card deleted": Shape(
        "MEMBERCARD.USERCARD_MANAGE",
        "membercard",
        _inner("USER_DELETE_MEMBERCARD"),
        "card_deleted",
        ("card.deleted.v1",),
    ),
    "card viewed": Shape(
        "MEMBERCARD.USERCARD_MANAGE",
        "membercard",
        _inner("USER_VIEW_MEMBERCARD"),
        "card_viewed",
        ("unionid.resolved.v1",),
    ),
    "card changed": Shape(
        "MEMBERCARD.USERCARD_MANAGE",
        "membercard",
        _inner("USER_MODIFY_INFORMATION"),
        "card_changed",
        ("unionid.resolved.v1",),
    ),
    "brand card created": Shape(
        "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE",
        "user_card",
        _BRAND_CARD,
        "card_accepted",
        ("card.accepted.v1",),
    ),
    "brand card deleted": Shape(
        "BRAND_MEMBER_CARD_SP.USER_CARD.DELETE",
        "user_card",
        {**_BRAND_CARD, "user_card_state": "DELETE"},
        "card_deleted",
        ("card.deleted.v1",),
    ),
    "brand's own card created": Shape(
        "BRAND_MEMBER_CARD.USER_CARD.CREATE",
        "user_card",
        _BRAND_CARD,
        "card_accepted",
        ("card.accepted.v1",),
    ),
    "security echo": Shape(
        "SECURITY_ECHO.SUCCESS", "security", {"echo_message": "hello"}, "security_echo"
    ),
}
