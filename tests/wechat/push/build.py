# SPDX-License-Identifier: Apache-2.0
"""Deliveries as WeChat makes them: signed, encrypted, XML or JSON.

Written from WeChat's pages with nothing of the code under test, so that both cannot be wrong in
the same way.

    sent = sealed(event("subscribe", openid="oMei"), AT)
    accept(sent.query, sent.body, account(), AT)
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha1
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from stream.wechat.push.account import Mode, PushAccount, aes_key

APPID = "wx1a2b3c4d5e6f7a01"
ORIGINAL_ID = "gh_abc0000001"
TOKEN = "abcPushToken1"
ENCODING_AES_KEY = "TestKeyOfShadowpointsForPushesNotASecret012"
FORMER_AES_KEY = "FormerKeyOfShadowpointsForPushesNoSecret012"
MEI = "oMei0000000000000000000000001"
PLATFORM = "oPlatformAccountOfWeChat00001"  # who sends what WeChat itself has to say
AT = 1_780_000_000  # 2026-05-29, seconds since 1970
NONCE = "415670741"


@dataclass(frozen=True)
class Sent:
    """One delivery: the query of its URL, and its body."""

    query: dict[str, str]
    body: bytes


def account(**changes: Any) -> PushAccount:
    """The Official Account of the sample, in safe mode."""
    made = PushAccount(
        APPID, ORIGINAL_ID, "official_account", token=TOKEN, aes_keys=(aes_key(ENCODING_AES_KEY),)
    )
    return replace(made, **changes)


def plain_account(**changes: Any) -> PushAccount:
    """The same in plain mode, which has no key."""
    return account(**{"aes_keys": (), "mode": Mode.PLAIN, **changes})


def event(name: str, *, openid: str = MEI, at: int = AT, **fields: Any) -> dict[str, Any]:
    """An event of this name, with the fields all events have and those given."""
    return {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": openid,
        "CreateTime": at,
        "MsgType": "event",
        "Event": name,
        **fields,
    }


def message(msg_type: str = "text", *, openid: str = MEI, at: int = AT, **fields: Any) -> Any:
    """A message of a person."""
    return {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": openid,
        "CreateTime": at,
        "MsgType": msg_type,
        "MsgId": 6349323426230210995,
        **fields,
    }


def plain(
    content: Mapping[str, Any] | bytes,
    at: int = AT,
    *,
    is_json: bool = False,
    token: str = TOKEN,
    nonce: str = NONCE,
) -> Sent:
    """A delivery in plain mode (明文模式)."""
    return Sent(signed(at, token=token, nonce=nonce), written(content, is_json))


def sealed(
    content: Mapping[str, Any] | bytes,
    at: int = AT,
    *,
    is_json: bool = False,
    token: str = TOKEN,
    nonce: str = NONCE,
    appid: str = APPID,
    key: str = ENCODING_AES_KEY,
    beside: Mapping[str, Any] | None = None,
) -> Sent:
    """A delivery in safe mode (安全模式); ``beside`` stands next to Encrypt in the envelope."""
    encrypt = encrypted(written(content, is_json), appid, key)
    envelope = {"ToUserName": ORIGINAL_ID, "Encrypt": encrypt, **(beside or {})}
    query = signed(at, token=token, nonce=nonce) | {
        "openid": MEI,
        "encrypt_type": "aes",
        "msg_signature": digest(token, str(at), nonce, encrypt),
    }
    return Sent(query, written(envelope, is_json))


def compatible(content: Mapping[str, Any], at: int = AT, **options: Any) -> Sent:
    """A delivery in compatible mode (兼容模式): the message both ways in one body."""
    return sealed(content, at, beside=content, **options)


def signed(at: int = AT, *, token: str = TOKEN, nonce: str = NONCE) -> dict[str, str]:
    """The query of a plain delivery, or of a check of the URL without its echostr."""
    return {"signature": digest(token, str(at), nonce), "timestamp": str(at), "nonce": nonce}


def digest(*children: str) -> str:
    return sha1("".join(sorted(children)).encode()).hexdigest()


def encrypted(content: bytes, appid: str = APPID, key: str = ENCODING_AES_KEY) -> str:
    secret = b64decode(key + "=")
    packed = b"0123456789abcdef" + struct.pack("!I", len(content)) + content + appid.encode()
    padder = PKCS7(256).padder()
    cipher = Cipher(AES(secret), CBC(secret[:16])).encryptor()
    padded = padder.update(packed) + padder.finalize()
    return b64encode(cipher.update(padded) + cipher.finalize()).decode()


def decrypted(encrypt: str, key: str = ENCODING_AES_KEY) -> tuple[bytes, str]:
    """The message in it, and for which appid: what WeChat does with a sealed reply."""
    secret = b64decode(key + "=")
    cipher = Cipher(AES(secret), CBC(secret[:16])).decryptor()
    unpadder = PKCS7(256).unpadder()
    padded = cipher.update(b64decode(encrypt)) + cipher.finalize()
    packed = unpadder.update(padded) + unpadder.finalize()
    (length,) = struct.unpack("!I", packed[16:20])
    return packed[20 : 20 + length], packed[20 + length :].decode()


# --- XML and JSON ---------------------------------------------------------------------------------


def written(content: Mapping[str, Any] | bytes, is_json: bool) -> bytes:
    if isinstance(content, bytes):
        return content
    return json.dumps(content, ensure_ascii=False).encode() if is_json else xml(content)


def xml(content: Mapping[str, Any]) -> bytes:
    """As WeChat writes it: texts in CDATA, numbers bare, an element for each item of a list."""
    return f"<xml>{_elements(content)}</xml>".encode()


def _elements(content: Mapping[str, Any]) -> str:
    return "\n".join(
        f"<{name}>{_content(item)}</{name}>"
        for name, value in content.items()
        for item in (value if isinstance(value, list) else [value])
    )


def _content(value: Any) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    return str(value) if isinstance(value, int) else f"<![CDATA[{value}]]>"
