# SPDX-License-Identifier: Apache-2.0
"""Builds the response to a push: an acknowledgement, or a reply (被动回复用户消息).

A reply is a text for the sender, or hands the sender's message to WeChat's customer-service desk
(消息转发到客服). WeChat takes an empty body or ``success`` as an acknowledgement, and shows the
user an error for anything else that is no reply. A reply has the form of the push: XML or JSON,
plain or encrypted with the key that decrypted the push (消息加解密 FAQ).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import orjson

from stream.wechat.push.account import PushAccount
from stream.wechat.push.crypto import encrypt, sign
from stream.wechat.push.wanted import Wanted

SUCCESS: Final = b"success"
TEXT_BYTES_MAX: Final = 2048  # WeChat's limit of Content

_not_in_xml = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Receiver and form of a reply; ``original_id`` is the account's, ``aes_key`` the push's."""

    openid: str = field(repr=False)
    original_id: str
    is_json: bool
    aes_key: bytes | None = field(default=None, repr=False)


def acknowledgement(wanted: Wanted, is_json: bool) -> bytes:
    """The body of an answer without a reply."""
    if wanted is not Wanted.ERROR_CODE:
        return SUCCESS
    return _written({"ErrCode": 0, "ErrMsg": "success"}, is_json)


def reply(
    text: str, to: ReplyTo, account: PushAccount, now_s: int, nonce: str, random: bytes
) -> bytes:
    """The body of a reply with ``text``; ``random`` is 16 unpredictable bytes.

    A text that WeChat would not show (empty, or above 2048 bytes) gives ``success``.
    """
    content = _not_in_xml.sub("", text)
    if not content or len(content.encode()) > TEXT_BYTES_MAX:
        return SUCCESS
    fields: dict[str, str | int] = {"MsgType": "text", "Content": content}
    return _sealed(fields, to, account, now_s, nonce, random)


def transfer(to: ReplyTo, account: PushAccount, now_s: int, nonce: str, random: bytes) -> bytes:
    """The body of a reply that hands the message to the customer-service desk."""
    fields: dict[str, str | int] = {"MsgType": "transfer_customer_service"}
    return _sealed(fields, to, account, now_s, nonce, random)


def _sealed(
    fields: dict[str, str | int],
    to: ReplyTo,
    account: PushAccount,
    now_s: int,
    nonce: str,
    random: bytes,
) -> bytes:
    head: dict[str, str | int] = {
        "ToUserName": to.openid,
        "FromUserName": to.original_id,
        "CreateTime": now_s,
    }
    message = _written(head | fields, to.is_json)
    if to.aes_key is None:
        return message
    encrypted = encrypt(message, account.receiver, to.aes_key, random)
    envelope: dict[str, str | int] = {
        "Encrypt": encrypted,
        "MsgSignature": sign(account.token, str(now_s), nonce, encrypted),
        "TimeStamp": now_s,
        "Nonce": nonce,
    }
    return _written(envelope, to.is_json)


def _written(fields: dict[str, str | int], is_json: bool) -> bytes:
    if is_json:
        return orjson.dumps(fields)
    elements = "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in fields.items())
    return f"<xml>{elements}</xml>".encode()


def _xml(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    # CDATA ends at the first ]]>, so a ]]> in the text is split over two sections.
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
