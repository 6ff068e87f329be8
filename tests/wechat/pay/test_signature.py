# SPDX-License-Identifier: Apache-2.0
"""Signatures, keys and timestamps."""

from __future__ import annotations

import base64

import pytest

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay.signature import SKEW_S, SM2_TYPE, check_signature
from tests.wechat.pay.sealed import (
    CERTIFICATE_SERIAL,
    NOW_S,
    PUBLIC_KEY_ID,
    Delivery,
    KeyKind,
    Platform,
    merchant,
)

BODY = '{"summary": "通知",  "id": "1"}'.encode()
MERCHANT = merchant()


def check(delivery: Delivery, now_s: int = NOW_S) -> None:
    check_signature(delivery.headers, delivery.body, MERCHANT, now_s)


def rejected(delivery: Delivery, now_s: int = NOW_S) -> RejectReason:
    with pytest.raises(DeliveryRejected) as caught:
        check(delivery, now_s)
    # Nothing of what was sent is repeated; short values might be words of our own.
    assert not any(
        value in caught.value.message for value in delivery.headers.values() if value[7:]
    )
    return caught.value.reason


@pytest.mark.parametrize("kind", ["certificate", "public_key"])
def test_both_kinds_of_key_verify(kind: KeyKind) -> None:
    check(Platform(key_kind=kind).sign(BODY))


def test_a_serial_is_read_in_any_case() -> None:
    check(Platform().sign(BODY, wechatpay_serial=CERTIFICATE_SERIAL.lower()))


def test_the_raw_bytes_are_what_is_signed() -> None:
    signed = Platform().sign(BODY)
    for body in (BODY.replace(b"  ", b" "), BODY + b"\n", b"", BODY[:-1]):
        assert rejected(Delivery(signed.headers, body)) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("serial", ["", "AB", "no serial", PUBLIC_KEY_ID + "1", "Ａ" * 40])
def test_an_unknown_serial_has_a_rejection_of_its_own(serial: str) -> None:
    assert rejected(Platform().sign(BODY, wechatpay_serial=serial)) is RejectReason.UNKNOWN_KEY


def test_the_key_of_another_serial_does_not_do() -> None:
    crossed = Platform().sign(BODY, wechatpay_serial=PUBLIC_KEY_ID)
    assert rejected(crossed) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "====",
        "not Base64!",
        "通知",
        "AAAA",
        base64.b64encode(b"\x00" * 256).decode(),
        base64.b64encode(b"\xff" * 256).decode(),
        base64.b64encode(b"\x01" * 4096).decode(),
        # WeChat's own probes
        "WECHATPAY/SIGNTEST/" + "q" * 325,
        "WECHATPAY/SIGNTEST/" + base64.b64encode(b"\x07" * 240).decode(),
    ],
)
def test_a_bad_signature_is_rejected(signature: str) -> None:
    assert (
        rejected(Platform().sign(BODY, wechatpay_signature=signature)) is RejectReason.BAD_SIGNATURE
    )


def test_a_probe_in_front_of_a_good_signature_is_rejected() -> None:
    good = Platform().sign(BODY)
    probe = "WECHATPAY/SIGNTEST/" + good.headers["wechatpay-signature"]
    assert rejected(Platform().sign(BODY, wechatpay_signature=probe)) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("noise", ["!", "\n", " ", "=", "é"])
def test_a_good_signature_has_nothing_else_in_it(noise: str) -> None:
    good = Platform().sign(BODY).headers["wechatpay-signature"]
    noisy = Platform().sign(BODY, wechatpay_signature=good[:10] + noise + good[10:])
    assert rejected(noisy) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature", "serial"])
def test_a_missing_header_is_rejected(name: str) -> None:
    signed = Platform().sign(BODY)
    headers = {k: v for k, v in signed.headers.items() if k != f"wechatpay-{name}"}
    expected = RejectReason.UNKNOWN_KEY if name == "serial" else RejectReason.BAD_SIGNATURE
    assert rejected(Delivery(headers, BODY)) is expected


@pytest.mark.parametrize("name", ["timestamp", "nonce"])
@pytest.mark.parametrize("value", ["", "1", "通知", "\ud800", "1" * 5000])
def test_what_was_signed_cannot_be_changed(name: str, value: str) -> None:
    signed = Platform().sign(BODY)
    headers = {**signed.headers, f"wechatpay-{name}": value}
    assert rejected(Delivery(headers, BODY)) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("skew_s", [0, SKEW_S - 1, 1 - SKEW_S])
def test_a_clock_may_be_off_a_little(skew_s: int) -> None:
    check(Platform().sign(BODY), NOW_S + skew_s)


@pytest.mark.parametrize("skew_s", [SKEW_S, -SKEW_S, 10**9, -NOW_S])
def test_a_stale_notification_is_rejected(skew_s: int) -> None:
    assert rejected(Platform().sign(BODY), NOW_S + skew_s) is RejectReason.STALE


def test_a_bad_signature_comes_before_a_stale_time() -> None:
    stale = Platform(now_s=1).sign(BODY, wechatpay_signature="AAAA")
    assert rejected(stale) is RejectReason.BAD_SIGNATURE


def test_a_time_that_is_none_is_stale_even_if_signed() -> None:
    assert rejected(Platform(now_s=-5).sign(BODY)) is RejectReason.STALE
    assert rejected(Platform(now_s=10**30).sign(BODY)) is RejectReason.STALE


@pytest.mark.parametrize("kind", ["WECHATPAY2-SHA256-RSA2048", "WECHATPAY-BRAND-SHA256-RSA2048"])
def test_two_signature_types_are_known(kind: str) -> None:
    check(Platform().sign(BODY, wechatpay_signature_type=kind))


def test_sm2_is_refused_in_its_own_words() -> None:
    with pytest.raises(DeliveryRejected, match=r"SM2 \(国密\) are not supported"):
        check(Platform().sign(BODY, wechatpay_signature_type=SM2_TYPE, wechatpay_serial="7A1B"))


def test_a_signature_type_may_be_absent() -> None:
    signed = Platform().sign(BODY)
    headers = {k: v for k, v in signed.headers.items() if k != "wechatpay-signature-type"}
    check(Delivery(headers, BODY))


@pytest.mark.parametrize("kind", ["", "WECHATPAY2", "wechatpay2-sha256-rsa2048"])
def test_another_signature_type_is_rejected(kind: str) -> None:
    assert (
        rejected(Platform().sign(BODY, wechatpay_signature_type=kind)) is RejectReason.BAD_SIGNATURE
    )
