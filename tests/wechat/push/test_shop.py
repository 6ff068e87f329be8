# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason
from stream.wechat.push.body_parser import parse_body
from stream.wechat.push.delivery import accept
from stream.wechat.push.events import translate
from stream.wechat.push.message import read_message
from tests.wechat.push.build import APPID, AT, MEI, account, event, sealed

ORDER = 3705115058471208928  # beyond 2^53
SHOP = account(kind="shop")


def paid(order_id: object = ORDER, at: int = AT) -> dict[str, Any]:
    """As WeChat's page shows it."""
    info = {"order_id": order_id, "pay_time": at}
    return event("channels_ec_order_pay", at=at, order_info=info)


def changed(status: str, at: int = AT) -> dict[str, Any]:
    sale = {"status": status, "after_sale_order_id": "2000000123456789", "order_id": ORDER}
    return event("channels_ec_aftersale_update", at=at, finder_shop_aftersale_status_update=sale)


def hint(content: dict[str, Any]) -> OutboundEvent:
    body = json.dumps(content).encode()
    [found] = translate(read_message(parse_body(body)[0], SHOP)).events
    return found


def test_a_number_and_a_string_are_one_order_to_its_last_digit() -> None:
    number, string = hint(paid()), hint(paid(f" {ORDER} "))
    assert number == string
    assert number.data.model_dump(exclude_none=True) == {"appid": APPID, "order_id": str(ORDER)}
    assert MEI not in str(number)


def test_a_retry_is_the_same_hint_and_the_next_step_of_an_after_sale_another() -> None:
    steps = [hint(changed("MERCHANT_PROCESSING")), hint(changed("USER_WAIT_RETURN", AT + 60))]
    assert hint(changed("MERCHANT_PROCESSING")).id == steps[0].id != steps[1].id
    assert steps[0].id != hint(paid()).id


def test_a_sealed_delivery_for_a_shop_is_accepted() -> None:
    sent = sealed(paid(), is_json=True)
    accepted = accept(sent.query, sent.body, SHOP, AT)
    assert [e.topic for e in accepted.result.events] == ["wechat.shop"]
    assert accepted.reply_to is None


@pytest.mark.parametrize("order_id", [None, "", "abc", 3.7e18, True, {"a": 1}, [1, 2], "1" * 21])
def test_what_is_no_number_of_an_order_is_refused(order_id: object) -> None:
    with pytest.raises(DeliveryRejected, match="order_id") as error:
        hint(paid(order_id))
    assert error.value.reason is RejectReason.MALFORMED


def test_without_its_object_it_is_refused() -> None:
    with pytest.raises(DeliveryRejected, match="order_info must be one object"):
        hint(event("channels_ec_order_pay"))
