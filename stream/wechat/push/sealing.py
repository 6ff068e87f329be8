"""How WeChat signs and encrypts pushes, and how we answer in kind.

SHA-1 and AES-256-CBC are WeChat's choice (消息加解密说明). What is sealed: 16 random bytes, the
length of the message in 4 bytes (big-endian), the message, the appid; by PKCS#7 a multiple of 32
bytes. The initial vector is the first half of the key.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha1
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from stream.wechat.heard import NotHeard, Refusal

RANDOM_BYTES: Final = 16
_LENGTH_BYTES: Final = 4
_BLOCK: Final = 32


def sign(token: str, *parts: str) -> str:
    """``signature`` of a timestamp and a nonce; with ``Encrypt`` besides, ``msg_signature``."""
    text = "".join(sorted((token, *parts)))
    return sha1(text.encode("utf-8", "replace")).hexdigest()


def is_signed(signature: str, token: str, *parts: str) -> bool:
    """Whether ``signature`` is that of the parts, in a time which tells nothing of it."""
    expected = sign(token, *parts)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def seal(message: bytes, appid: str, key: bytes, random: bytes) -> str:
    """``Encrypt``: the message encrypted, in Base64. ``random`` are 16 bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a sealed message begins with {RANDOM_BYTES} random bytes")
    length = len(message).to_bytes(_LENGTH_BYTES, "big")
    content = b"".join((random, length, message, appid.encode()))
    padding = _BLOCK - len(content) % _BLOCK
    encryptor = _cipher(key).encryptor()
    padded = content + bytes([padding]) * padding
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal(encrypt: str, appid: str, keys: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The message in ``Encrypt``, and which of the keys opened it. Raises `NotHeard`."""
    try:
        sealed = b64decode(encrypt, validate=True)
    except ValueError:
        raise NotHeard(Refusal.UNDECRYPTABLE, "Encrypt must be Base64.") from None
    if not sealed or len(sealed) % _BLOCK:
        raise NotHeard(Refusal.UNDECRYPTABLE, f"Encrypt must be whole blocks of {_BLOCK} bytes.")
    for key in keys:
        opened = _open(sealed, key)
        if opened is not None:
            message, receiver = opened
            if receiver != appid.encode():
                raise NotHeard(
                    Refusal.WRONG_APP, "Encrypt is for another appid than the account's."
                )
            return message, key
    raise NotHeard(
        Refusal.UNDECRYPTABLE,
        "No EncodingAESKey of the account opens Encrypt; compare it with WeChat's console.",
    )


def _open(sealed: bytes, key: bytes) -> tuple[bytes, bytes] | None:
    """Message and receiver, or None when it is another key's."""
    decryptor = _cipher(key).decryptor()
    content = decryptor.update(sealed) + decryptor.finalize()
    padding = content[-1]
    if not 1 <= padding <= _BLOCK or content[-padding:] != bytes([padding]) * padding:
        return None
    start = RANDOM_BYTES + _LENGTH_BYTES
    rest = content[start:-padding]
    length = int.from_bytes(content[RANDOM_BYTES:start], "big")
    return (rest[:length], rest[length:]) if length <= len(rest) else None


def _cipher(key: bytes) -> Cipher[CBC]:
    return Cipher(AES(key), CBC(key[:16]))
