# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.wechat.push.wanted import Wanted, wanted_by


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        ("xpay_goods_deliver_notify", Wanted.ERROR_CODE),
        ("xpay_coin_pay_notify", Wanted.ERROR_CODE),
        ("xpay_refund_notify", Wanted.ERROR_CODE),
        ("xpay_subscribe_ios_refund_query_notify", Wanted.DECISION),
        ("channels_ec_vip_user_info_get", Wanted.DECISION),
        ("channels_ec_order_pay", Wanted.SUCCESS),
        ("retail_pay_notify", Wanted.SUCCESS),
        ("", Wanted.SUCCESS),
    ],
)
def test_what_wechat_wants(event: str, wanted: Wanted) -> None:
    assert wanted_by(event) is wanted
