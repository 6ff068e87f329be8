# SPDX-License-Identifier: Apache-2.0
"""From the raw bytes of a delivery to events."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from schemas import CONTRACTS, decode, encode_data, format_time
from schemas.base import MESSAGE_ID_PATTERN
from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.notification import BODY_BYTES_MAX, accept
from tests.wechat.pay.sealed import (
    NOW_S,
    PREVIOUS_API_V3_KEY,
    Delivery,
    KeyKind,
    Platform,
    as_json,
    merchant,
)
from tests.wechat.pay.shapes import SHAPES

MERCHANT = merchant()
PLATFORM = Platform()

#: What is in the examples and must never get out.
PRIVATE = (
    *("招商银行信用卡0000", "粤B00000", "海岸停车场", "13200000000", "encrypted+phone+number="),
    *("USER_FORM_FLAG_SEX", "sz_store_001", "brand_custom_attach", "钻石会员", "hello"),
)


def accepted(delivery: Delivery, by: Merchant = MERCHANT, now_s: int = NOW_S) -> DeliveryAccepted:
    return accept(delivery.headers, delivery.body, by, now_s)


def rejected(delivery: Delivery, by: Merchant = MERCHANT, now_s: int = NOW_S) -> RejectReason:
    with pytest.raises(DeliveryRejected) as caught:
        accepted(delivery, by, now_s)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["certificate", "public_key"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_notification_becomes_its_events(name: str, kind: KeyKind) -> None:
    shape = SHAPES[name]
    result = accepted(Platform(key_kind=kind).send(shape))
    assert result.kind == shape.kind
    assert tuple(event.type for event in result.events) == shape.becomes


@pytest.mark.parametrize("name", SHAPES)
def test_its_events_can_be_read_from_their_topics(name: str) -> None:
    for event in accepted(PLATFORM.send(SHAPES[name])).events:
        assert event.topic in CONTRACTS[event.type].topics
        assert re.fullmatch(MESSAGE_ID_PATTERN, event.id)
        attributes = {
            "specversion": "1.0",
            "id": event.id,
            "source": "urn:example:gateway",
            "type": event.type,
            "time": format_time(event.time),
        }
        headers = [(f"ce_{attribute}", value.encode()) for attribute, value in attributes.items()]
        read = decode(encode_data(event.data), headers, event.topic)
        assert (read.id, read.data) == (event.id, event.data)


@pytest.mark.parametrize("name", SHAPES)
def test_what_must_not_be_kept_never_gets_out(name: str) -> None:
    shown = json.dumps(
        [
            event.data.model_dump(mode="json")
            for event in accepted(PLATFORM.send(SHAPES[name])).events
        ],
        ensure_ascii=False,
    )
    assert not any(secret in shown for secret in PRIVATE)


@pytest.mark.parametrize("name", SHAPES)
def test_a_retry_is_the_same_event(name: str) -> None:
    """It is signed anew, later, under a new id of the notification."""
    shape = SHAPES[name]
    first = accepted(PLATFORM.send(shape))
    later = Platform(now_s=NOW_S + 15, key_kind="public_key")
    assert accepted(later.send(shape, notice_id="another"), now_s=NOW_S + 20) == first


@pytest.mark.parametrize("name", SHAPES)
def test_keys_and_words_may_have_blanks_around_them(name: str) -> None:
    def blank(value: Any, key: str = "") -> Any:
        if type(value) is dict:
            return {f" {key}\t": blank(item, key) for key, item in value.items()}
        if type(value) is list:
            return [blank(item) for item in value]
        free = ("name", "attach", "goods_id", "desc")  # what people wrote is left as it is
        return f" {value} " if type(value) is str and not key.endswith(free) else value

    shape = SHAPES[name]
    assert accepted(PLATFORM.send(shape, blank(shape.data))) == accepted(PLATFORM.send(shape))


def test_the_original_type_decides_and_not_the_event_type() -> None:
    shape = SHAPES["direct"]
    assert accepted(PLATFORM.send(shape, original_type="profitsharing")) == DeliveryAccepted(
        Kind.PROFIT_SHARING
    )
    assert accepted(PLATFORM.send(shape, original_type="something_new")) == DeliveryAccepted(
        Kind.OTHER
    )
    assert accepted(PLATFORM.send(shape, original_type="webizpay")) == DeliveryAccepted(Kind.OTHER)
    coupon = PLATFORM.send(SHAPES["coupon used"], event_type="TRANSACTION.SUCCESS")
    assert accepted(coupon).kind == Kind.COUPON_USED


@pytest.mark.parametrize("name", ["direct", "parking", "refund", "mall payment", "mall refund"])
def test_without_an_original_type_the_shape_decides(name: str) -> None:
    shape = SHAPES[name]
    assert accepted(PLATFORM.send(shape, original_type="")) == accepted(PLATFORM.send(shape))


def test_profit_sharing_without_an_original_type_has_no_payer_still() -> None:
    result = accepted(PLATFORM.send(SHAPES["profit sharing"], original_type=""))
    assert result == DeliveryAccepted(Kind.PROFIT_SHARING)


@pytest.mark.parametrize("original_type", ["mall", "mall_auth", "mall_transaction", ""])
def test_an_authorisation_of_a_mall_goes_by_its_name_alone(original_type: str) -> None:
    """Its ``original_type`` is documented nowhere."""
    shape = SHAPES["mall authorisation"]
    if original_type != "mall_transaction":
        assert accepted(PLATFORM.send(shape, original_type=original_type)).kind == shape.kind
    else:
        assert rejected(PLATFORM.send(shape, original_type=original_type)) is RejectReason.MALFORMED


@pytest.mark.parametrize(
    ("event_type", "original_type", "kind"),
    [
        ("COMPLAINT.CREATE", "complaint", Kind.COMPLAINT),
        ("PAYSCORE.USER_PAID", "payscore", Kind.PAY_SCORE),
        ("BRAND_MEMBER_CARD_SP.SYNC_USER_POINT", "sync_user_point", Kind.CARD_POINTS),
        ("WEBIZPAY.PAYMENTSUCCESS", "webizpay", Kind.COMPANY_PAYMENT),
        ("MEDICAL_INSURANCE.SUCCESS", "", Kind.INSURANCE),
        ("TRANSACTION.PAY_BACK", "", Kind.REPAYMENT),
        ("SOMETHING.NEW", "something_new", Kind.OTHER),
        ("", "", Kind.OTHER),
    ],
)
def test_all_else_is_counted(event_type: str, original_type: str, kind: Kind) -> None:
    anything = {"openid": "oMei", "amount": 1.5, "whatever": [{}]}
    delivery = PLATFORM.deliver(anything, event_type=event_type, original_type=original_type)
    assert accepted(delivery) == DeliveryAccepted(kind)


def test_the_limit_of_the_body() -> None:
    body = as_json({"resource": "x"}).ljust(BODY_BYTES_MAX)
    assert rejected(PLATFORM.sign(body)) is RejectReason.MALFORMED
    assert rejected(Delivery({}, body + b" ")) is RejectReason.TOO_LARGE


def test_rejections_come_in_their_order() -> None:
    """A signature is judged before a time, a time before what was sealed, that before a shape."""
    other = Platform(api_v3_key=PREVIOUS_API_V3_KEY)
    shape = SHAPES["direct"]
    assert rejected(Delivery({}, b"")) is RejectReason.UNKNOWN_KEY
    unsigned = Delivery(other.send(shape).headers, b"{}")
    assert rejected(unsigned, now_s=0) is RejectReason.BAD_SIGNATURE
    assert rejected(other.send(shape), now_s=0) is RejectReason.STALE
    assert rejected(other.send(shape)) is RejectReason.UNDECRYPTABLE
    assert rejected(PLATFORM.send(shape, {"payer": {}})) is RejectReason.MALFORMED
    assert accepted(
        other.send(shape), merchant(api_v3_keys=(b"k" * 32, PREVIOUS_API_V3_KEY))
    ).events


def test_a_rejection_never_repeats_what_was_sent() -> None:
    shape = SHAPES["direct"]
    secret = "oSecretSecretSecret!"
    bad = shape.with_(payer__openid=secret, attach=[secret], amount={secret: secret}, bank_type=[])
    with pytest.raises(DeliveryRejected) as caught:
        accepted(PLATFORM.send(shape, bad))
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("amount", [b"9223372036854775808", b"1e400", b"2800.0", b"1" * 5000])
def test_a_number_that_is_no_amount_is_rejected(amount: bytes) -> None:
    plain = as_json(SHAPES["direct"].data).replace(b"2800", amount, 1)
    assert rejected(PLATFORM.deliver(plain)) is RejectReason.MALFORMED


@pytest.mark.parametrize(
    "bomb",
    [
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"payer": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
        b'{"payer": 1, "payer": 2}',
        b'{"payer": 1, " payer ": 2}',
    ],
)
def test_a_bomb_is_rejected_encrypted_or_not(bomb: bytes) -> None:
    assert rejected(PLATFORM.deliver(bomb)) is RejectReason.MALFORMED
    assert rejected(PLATFORM.sign(bomb)) is RejectReason.MALFORMED
