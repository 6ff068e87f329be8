# SPDX-License-Identifier: Apache-2.0
"""Signatures and encryption."""

from __future__ import annotations

from base64 import b64decode, b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.push.account import aes_key
from stream.wechat.push.crypto import decrypt, encrypt, is_signed, sign
from tests.wechat.push.build import APPID, ENCODING_AES_KEY, FORMER_AES_KEY, decrypted, encrypted

KEY, FORMER = aes_key(ENCODING_AES_KEY), aes_key(FORMER_AES_KEY)
RANDOM = b"0123456789abcdef"

#: Made with `openssl enc -aes-256-cbc -nopad` and `sha1sum`, by nothing in this repository.
VECTOR_KEY = "VectorKeyOfShadowpointsMadeWithOpensslTool1"
VECTOR_SIGNATURE = "219deb5e39d25762e8f1db67c9b5d76ef643d103"
VECTOR_MSG_SIGNATURE = "76fecf220f2c2bbffb8865f5357948067252a158"
VECTOR = (
    "dOcSgkSrSFgZGKaLXPNAyDLcPwoNXjYsFiKXG321nKeWeXBI+4n9WfDwmCWaZngjNLM5zPjxcovObHSOzTQz0oA5tPm4"
    "xvL7Hc8Wv95TMDSdn9gAqyMVN1fYxNbe6Y+j0WLarQqXO7CttLcfJO8xzjxIY1J5Ls8W8lzKcFADImo7VC8qTWMfxhf3"
    "CIrc++1x5b0G4V+tLYy+aNL7ZIr1tmdeVYVy/naXY/CUHtxXsXmdS7wGFfFjXU5ak3mEgitnc+gE3aBAbiyHZsolpyk0"
    "f1xxFK+w6DEj/SXOnfb8yFKvQHp48sgFahK56P+y5sV+swFCZQdyd8Q8JdRruIS+dZB1Eo/ufwHH8hu0fJQmVkNAgmR9"
    "z2R/okjrSxZ7+CJLkNLJY1RbzJsMbtyLG+hrQzfwPaiJMkkpTgW3qNxE7CU9Oxn4j+77xB1hyhnat72u06tNTlfy8ZX9"
    "XbltWgmt9w=="
)
VECTOR_MESSAGE = """\
<xml><ToUserName><![CDATA[gh_abc0000001]]></ToUserName>
<FromUserName><![CDATA[oMei0000000000000000000000001]]></FromUserName>
<CreateTime>1780000000</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[SCAN]]></Event>
<EventKey><![CDATA[早餐-table-7]]></EventKey>
</xml>"""


def rejection(
    encrypt: str, appid: str = APPID, keys: tuple[bytes, ...] = (KEY,)
) -> DeliveryRejected:
    with pytest.raises(DeliveryRejected) as caught:
        decrypt(encrypt, appid, keys)
    return caught.value


def test_the_vector_is_signed_and_opens() -> None:
    children = ("1780000000", "415670741")
    assert sign("abcPushToken1", *children) == VECTOR_SIGNATURE
    assert is_signed(VECTOR_MSG_SIGNATURE, "abcPushToken1", *children, VECTOR)
    message, key = decrypt(VECTOR, "wx1a2b3c4d5e6f7a01", (aes_key(VECTOR_KEY),))
    assert message.decode() == VECTOR_MESSAGE
    assert key == aes_key(VECTOR_KEY)


def test_the_vector_is_what_we_seal() -> None:
    sealed = encrypt(
        VECTOR_MESSAGE.encode(), "wx1a2b3c4d5e6f7a01", aes_key(VECTOR_KEY), b"Sixteen-random-b"
    )
    assert sealed == VECTOR


def test_any_other_part_is_not_signed() -> None:
    good = sign("token", "1", "2", "text")
    assert is_signed(good, "token", "2", "text", "1")  # WeChat sorts them
    assert not is_signed(good, "Token", "1", "2", "text")
    assert not is_signed(good, "token", "1", "3", "text")
    assert not is_signed(good, "token", "1", "2")
    assert not is_signed(good.upper(), "token", "1", "2", "text")
    assert not is_signed("", "token", "1", "2", "text")


@given(st.text(max_size=50), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_can_be_compared(signature: str, children: list[str]) -> None:
    assert not is_signed(signature, "token", *children)


@given(st.binary(max_size=300))
def test_what_wechat_seals_opens(message: bytes) -> None:
    assert decrypt(encrypted(message), APPID, (KEY,)) == (message, KEY)


@given(st.binary(max_size=300))
def test_what_we_seal_wechat_opens(message: bytes) -> None:
    assert decrypted(encrypt(message, APPID, KEY, RANDOM)) == (message, APPID)


def test_the_former_key_opens_and_is_reported() -> None:
    old = encrypted(b"before the change", key=FORMER_AES_KEY)
    assert decrypt(old, APPID, (KEY, FORMER)) == (b"before the change", FORMER)
    assert rejection(old).reason == RejectReason.UNDECRYPTABLE


def test_what_is_for_another_app_is_rejected() -> None:
    assert rejection(encrypted(b"x", appid="wxother")).reason == RejectReason.WRONG_APP
    assert rejection(encrypted(b"x", appid=APPID.upper())).reason == RejectReason.WRONG_APP
    assert rejection(encrypted(b"x", appid="")).reason == RejectReason.WRONG_APP


def test_the_length_decides_where_the_app_begins() -> None:
    assert decrypt(encrypted(APPID.encode()), APPID, (KEY,))[0] == APPID.encode()


@pytest.mark.parametrize(
    "encrypt",
    [
        "",
        "no Base64!",
        "密文",
        VECTOR[:-2],
        VECTOR + "\n",
        b64encode(b"x" * 31).decode(),
        b64encode(b"x" * 48).decode(),  # whole blocks of AES, not of WeChat
        b64encode(b"x" * 64).decode(),
    ],
)
def test_what_does_not_open_is_rejected(encrypt: str) -> None:
    assert rejection(encrypt).reason == RejectReason.UNDECRYPTABLE


def sealed_as_it_is(content: bytes) -> str:
    """Encrypted without any of WeChat's packing."""
    cipher = Cipher(algorithms.AES(KEY), modes.CBC(KEY[:16])).encryptor()
    return b64encode(cipher.update(content) + cipher.finalize()).decode()


@pytest.mark.parametrize(
    "content",
    [
        bytes(32),  # padding of 0 bytes
        bytes(31) + b"\x21",  # of 33
        bytes(30) + b"\x03\x02",  # not all the same
        b"\x20" * 32,  # nothing but padding
        RANDOM + b"\x00\x00\x00\x0c" + b"elevenchars" + b"\x01",  # longer than there is
        RANDOM + b"\xff\xff\xff\xff" + b"elevenchars" + b"\x01",
    ],
    ids=["none", "too-long", "uneven", "only", "length", "length-huge"],
)
def test_wrong_packing_is_rejected(content: bytes) -> None:
    assert rejection(sealed_as_it_is(content)).reason == RejectReason.UNDECRYPTABLE


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_never_raises_anything_else(place: int, change: int) -> None:
    sealed = bytearray(b64decode(encrypted(b"<xml></xml>" * 5)))
    sealed[place % len(sealed)] ^= change
    with suppress(DeliveryRejected):
        decrypt(b64encode(sealed).decode(), APPID, (KEY, FORMER))


def test_a_message_is_encrypted_with_16_random_bytes_only() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        encrypt(b"x", APPID, KEY, b"short")
