"""A delivery of WeChat's message push: is it WeChat's, what does it say, how is it answered?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stream.wechat.heard import Heard, NotHeard, Refusal
from stream.wechat.push.account import Mode, PushAccount
from stream.wechat.push.events import Kind, translate
from stream.wechat.push.message import Message, open_message
from stream.wechat.push.reading import Part, malformed, read
from stream.wechat.push.reply import SUCCESS, ReplyTo, reply
from stream.wechat.push.sealing import is_signed, unseal

__all__ = ["BODY_BYTES_MAX", "SKEW_S", "SUCCESS", "Pushed", "greeting", "hear", "reply"]

#: A message has at most a few kilobytes; the compatible mode makes three times as much of it.
BODY_BYTES_MAX: Final = 65_536
SKEW_S: Final = 300

_seconds = re.compile("[0-9]{1,12}").fullmatch
_echo = re.compile("[A-Za-z0-9+/=_-]{1,256}").fullmatch
#: A passive reply is shown to whoever sent one of these, and to nobody else.
_ANSWERED = frozenset({Kind.FOLLOWED, Kind.SCANNED, Kind.MENU_CLICKED, Kind.MESSAGE})


@dataclass(frozen=True, slots=True)
class Pushed:
    """An accepted delivery.

    ``replay_key`` names it by all that its signatures cover. A plain signature covers no body, so
    the same key with another body is a replay (while its time is fresh: twice ``SKEW_S``); of a
    sealed delivery it is not possible. ``reply_to`` is None where no reply would be shown.
    """

    heard: Heard
    replay_key: str
    reply_to: ReplyTo | None


def greeting(query: Mapping[str, str], account: PushAccount) -> str:
    """The ``echostr`` of WeChat's check of the URL, to be answered as plain text.

    Raises `NotHeard` when the check is not signed, or ``echostr`` could be anything but one.
    """
    _check_signature(query, account)
    echo = query.get("echostr", "")
    if not _echo(echo):
        malformed("echostr must be 1 to 256 letters and digits.")
    return echo


def hear(query: Mapping[str, str], body: bytes, account: PushAccount, now_s: int) -> Pushed:
    """What a delivery says, or `NotHeard`. ``now_s`` is the clock, in seconds since 1970.

    ``query`` is that of the URL: signature, timestamp, nonce, and for a sealed message
    encrypt_type and msg_signature.
    """
    if len(body) > BODY_BYTES_MAX:
        raise NotHeard(
            Refusal.TOO_LARGE, f"The body has more than the {BODY_BYTES_MAX} bytes which are read."
        )
    _check_signature(query, account)
    _check_time(query, now_s)
    envelope, is_json = read(body)
    fields, key = _opened(query, envelope, account)
    message = open_message(fields, account)
    heard = translate(message)
    reply_to = _reply_to(message, is_json, key) if heard.kind in _ANSWERED else None
    return Pushed(heard, _replay_key(query, account, key), reply_to)


def _check_signature(query: Mapping[str, str], account: PushAccount) -> None:
    signed = query.get("timestamp", ""), query.get("nonce", "")
    if not is_signed(query.get("signature", ""), account.token, *signed):
        raise NotHeard(
            Refusal.BAD_SIGNATURE, "signature is not made with the account's Token; compare them."
        )


def _check_time(query: Mapping[str, str], now_s: int) -> None:
    written = query.get("timestamp", "")
    if not _seconds(written) or abs(now_s - int(written)) >= SKEW_S:
        raise NotHeard(
            Refusal.STALE, f"timestamp must be within {SKEW_S} s of now; check the clock."
        )


def _opened(
    query: Mapping[str, str], envelope: Part, account: PushAccount
) -> tuple[Part, bytes | None]:
    """The message, and the key which opened it."""
    encrypt = envelope.text("encrypt")
    if account.aes_keys and (encrypt or query.get("encrypt_type") == "aes"):
        signed = query.get("timestamp", ""), query.get("nonce", ""), encrypt
        if not is_signed(query.get("msg_signature", ""), account.token, *signed):
            raise NotHeard(
                Refusal.BAD_SIGNATURE, "msg_signature is not that of Encrypt with the Token."
            )
        message, key = unseal(encrypt, account.appid, account.aes_keys)
        return read(message)[0], key
    if account.mode == Mode.SAFE:
        raise NotHeard(
            Refusal.BAD_SIGNATURE,
            "The account takes sealed messages only (mode safe); choose 安全模式 in the console.",
        )
    if encrypt and "msgtype" not in envelope:
        raise NotHeard(Refusal.UNKNOWN_KEY, "The account has no EncodingAESKey; configure it.")
    return envelope, None


def _replay_key(query: Mapping[str, str], account: PushAccount, key: bytes | None) -> str:
    names = ("timestamp", "nonce", "msg_signature") if key else ("timestamp", "nonce")
    return ":".join((account.appid, *(query.get(name, "") for name in names)))


def _reply_to(message: Message, is_json: bool, key: bytes | None) -> ReplyTo:
    return ReplyTo(message.sender, message.text("tousername"), is_json, key)
