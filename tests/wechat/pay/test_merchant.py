# SPDX-License-Identifier: Apache-2.0
"""A merchant: keys by serial, secrets that never show."""

from __future__ import annotations

import pytest

from stream.wechat.pay.merchant import Merchant, check_api_v3_key
from tests.wechat.pay.sealed import (
    API_V3_KEY,
    CERTIFICATE_SERIAL,
    PUBLIC_KEY_ID,
    merchant,
    private_key,
)
from tests.wechat.pay.shapes import MCHID


def test_keys_of_both_kinds_are_found_by_their_serial() -> None:
    someone = merchant()
    certified = private_key("certificate").public_key().public_numbers()
    for serial in (CERTIFICATE_SERIAL, CERTIFICATE_SERIAL.lower()):
        key = someone.key(serial)
        assert key is not None
        assert key.public_numbers() == certified
    other = someone.key(PUBLIC_KEY_ID)
    assert other is not None
    assert other.public_numbers() != certified


def test_an_unknown_serial_names_no_key() -> None:
    for serial in ("AB", "", "no serial", PUBLIC_KEY_ID.lower()):
        assert merchant().key(serial) is None


def test_no_key_is_shown() -> None:
    shown = repr(merchant())
    assert MCHID in shown
    assert API_V3_KEY.decode() not in shown
    assert "RSA" not in shown


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_an_api_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match=f"has {length}"):
        check_api_v3_key(b"k" * length)
    with pytest.raises(ValueError, match="32 bytes"):
        merchant(api_v3_keys=(API_V3_KEY, b"k" * length))


def test_a_merchant_needs_an_api_key_and_real_serials() -> None:
    with pytest.raises(ValueError, match="needs an APIv3 key"):
        Merchant(MCHID, (), {})
    with pytest.raises(ValueError, match="serial"):
        merchant(keys={"no serial": private_key("certificate").public_key()})
