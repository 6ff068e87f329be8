# SPDX-License-Identifier: Apache-2.0
"""Verifies and decrypts one delivery of WeChat's message push, and returns its events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.push.account import Mode, PushAccount
from stream.wechat.push.body_parser import Node, malformed, parse_body
from stream.wechat.push.crypto import decrypt, is_signed
from stream.wechat.push.events import Kind, translate
from stream.wechat.push.message import Message, read_message
from stream.wechat.push.reply import ReplyTo, acknowledgement
from stream.wechat.push.wanted import Wanted, wanted_by

__all__ = ["BODY_BYTES_MAX", "SKEW_S", "PushAccepted", "accept", "check_url"]

#: A message has at most a few kilobytes; the compatible mode makes three times as much of it.
BODY_BYTES_MAX: Final = 65_536
SKEW_S: Final = 300

_seconds = re.compile("[0-9]{1,12}").fullmatch
_echo = re.compile("[A-Za-z0-9+/=_-]{1,256}").fullmatch
#: WeChat shows a passive reply only to the sender of one of these.
_ANSWERED = frozenset({Kind.FOLLOWED, Kind.SCANNED, Kind.MENU_CLICKED, Kind.MESSAGE})


@dataclass(frozen=True, slots=True)
class PushAccepted:
    """An accepted delivery.

    ``replay_key`` consists of all that its signatures cover. A plain signature does not cover the
    body, so the same key with another body is a replay (within twice ``SKEW_S``); an encrypted
    delivery cannot be replayed that way. ``reply_to`` is None if WeChat would show no reply.
    ``acknowledgement`` is the body of an answer without a reply, ``wanted`` what WeChat wants.
    """

    result: DeliveryAccepted
    replay_key: str
    reply_to: ReplyTo | None
    wanted: Wanted
    acknowledgement: bytes
    is_json: bool


def check_url(query: Mapping[str, str], account: PushAccount) -> str:
    """The ``echostr`` of WeChat's URL check, to be returned as plain text.

    Raises `DeliveryRejected` when the check is not signed, or ``echostr`` does not look like one.
    """
    _check_signature(query, account)
    echo = query.get("echostr", "")
    if not _echo(echo):
        malformed("echostr must be 1 to 256 letters and digits.")
    return echo


def accept(query: Mapping[str, str], body: bytes, account: PushAccount, now_s: int) -> PushAccepted:
    """The events of a delivery; raises `DeliveryRejected`. ``now_s`` is seconds since 1970.

    ``query`` is that of the URL: signature, timestamp, nonce, and for an encrypted message
    encrypt_type and msg_signature.
    """
    if len(body) > BODY_BYTES_MAX:
        raise DeliveryRejected(
            RejectReason.TOO_LARGE,
            f"The body has more than {BODY_BYTES_MAX} bytes.",
        )
    _check_signature(query, account)
    _check_time(query, now_s)
    envelope, is_json = parse_body(body)
    fields, key = _decrypted(query, envelope, account)
    message = read_message(fields, account)
    result = translate(message)
    reply_to = _reply_to(message, is_json, key) if result.kind in _ANSWERED else None
    wanted = wanted_by(message.event)
    return PushAccepted(
        result,
        _replay_key(query, account, key),
        reply_to,
        wanted,
        acknowledgement(wanted, is_json),
        is_json,
    )


def _check_signature(query: Mapping[str, str], account: PushAccount) -> None:
    signed = query.get("timestamp", ""), query.get("nonce", "")
    if not is_signed(query.get("signature", ""), account.token, *signed):
        raise DeliveryRejected(
            RejectReason.BAD_SIGNATURE,
            "signature is not made with the account's Token; compare the Tokens.",
        )


def _check_time(query: Mapping[str, str], now_s: int) -> None:
    written = query.get("timestamp", "")
    if not _seconds(written) or abs(now_s - int(written)) >= SKEW_S:
        raise DeliveryRejected(
            RejectReason.STALE, f"timestamp must be within {SKEW_S} s of now; check the clock."
        )


def _decrypted(
    query: Mapping[str, str], envelope: Node, account: PushAccount
) -> tuple[Node, bytes | None]:
    """The message, and the key that decrypted it (None for a plain one)."""
    encrypt = envelope.text("encrypt")
    if account.aes_keys and (encrypt or query.get("encrypt_type") == "aes"):
        signed = query.get("timestamp", ""), query.get("nonce", ""), encrypt
        if not is_signed(query.get("msg_signature", ""), account.token, *signed):
            raise DeliveryRejected(
                RejectReason.BAD_SIGNATURE, "msg_signature is not that of Encrypt with the Token."
            )
        message, key = decrypt(encrypt, account.receiver, account.aes_keys)
        return parse_body(message)[0], key
    if account.mode == Mode.SAFE:
        raise DeliveryRejected(
            RejectReason.BAD_SIGNATURE,
            "The account accepts encrypted messages only (mode safe); "
            "choose 安全模式 in the console.",
        )
    if encrypt and "msgtype" not in envelope:
        raise DeliveryRejected(
            RejectReason.UNKNOWN_KEY, "The account has no EncodingAESKey; configure it."
        )
    return envelope, None


def _replay_key(query: Mapping[str, str], account: PushAccount, key: bytes | None) -> str:
    names = ("timestamp", "nonce", "msg_signature") if key else ("timestamp", "nonce")
    return ":".join((account.appid, *(query.get(name, "") for name in names)))


def _reply_to(message: Message, is_json: bool, key: bytes | None) -> ReplyTo:
    return ReplyTo(message.sender, message.text("tousername"), is_json, key)
