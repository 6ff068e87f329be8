# SPDX-License-Identifier: Apache-2.0
"""Signs, verifies, encrypts and decrypts messages of WeChat's push.

SHA-1 and AES-256-CBC are WeChat's choice (消息加解密说明). The plaintext is 16 random bytes, the
length of the message in 4 bytes (big-endian), the message, the appid; padded by PKCS#7 to a
multiple of 32 bytes. The initialisation vector is the first half of the key.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha1
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from stream.wechat.delivery_result import DeliveryRejected, RejectReason

RANDOM_BYTES: Final = 16
_LENGTH_BYTES: Final = 4
_BLOCK: Final = 32


def sign(token: str, *children: str) -> str:
    """``signature`` of a timestamp and a nonce, or ``msg_signature`` of these and ``Encrypt``."""
    text = "".join(sorted((token, *children)))
    return sha1(text.encode("utf-8", "replace")).hexdigest()


def is_signed(signature: str, token: str, *children: str) -> bool:
    """Whether ``signature`` is that of the parts, compared in constant time."""
    expected = sign(token, *children)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def encrypt(message: bytes, appid: str, key: bytes, random: bytes) -> str:
    """The value of ``Encrypt``: the encrypted message in Base64. ``random`` is 16 bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an encrypted message begins with {RANDOM_BYTES} random bytes")
    length = len(message).to_bytes(_LENGTH_BYTES, "big")
    content = b"".join((random, length, message, appid.encode()))
    padding = _BLOCK - len(content) % _BLOCK
    encryptor = _cipher(key).encryptor()
    padded = content + bytes([padding]) * padding
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(encrypted: str, appid: str, keys: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The message in ``Encrypt``, and the key that decrypted it. Raises `DeliveryRejected`."""
    try:
        ciphertext = b64decode(encrypted, validate=True)
    except ValueError:
        raise DeliveryRejected(RejectReason.UNDECRYPTABLE, "Encrypt must be Base64.") from None
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise DeliveryRejected(
            RejectReason.UNDECRYPTABLE, f"Encrypt must be whole blocks of {_BLOCK} bytes."
        )
    for key in keys:
        decrypted = _decrypt(ciphertext, key)
        if decrypted is not None:
            message, receiver = decrypted
            if receiver != appid.encode():
                raise DeliveryRejected(
                    RejectReason.WRONG_APP,
                    "Encrypt is for another appid than the account's; if a third-party platform "
                    "runs the account, name its appid as component_appid.",
                )
            return message, key
    raise DeliveryRejected(
        RejectReason.UNDECRYPTABLE,
        "No EncodingAESKey of the account decrypts Encrypt; compare it with WeChat's console.",
    )


def _decrypt(ciphertext: bytes, key: bytes) -> tuple[bytes, bytes] | None:
    """Message and receiver, or None if another key encrypted it."""
    decryptor = _cipher(key).decryptor()
    content = decryptor.update(ciphertext) + decryptor.finalize()
    padding = content[-1]
    if not 1 <= padding <= _BLOCK or content[-padding:] != bytes([padding]) * padding:
        return None
    start = RANDOM_BYTES + _LENGTH_BYTES
    rest = content[start:-padding]
    length = int.from_bytes(content[RANDOM_BYTES:start], "big")
    return (rest[:length], rest[length:]) if length <= len(rest) else None


def _cipher(key: bytes) -> Cipher[CBC]:
    return Cipher(AES(key), CBC(key[:16]))
