# SPDX-License-Identifier: Apache-2.0
"""A push message: the fields that all have, and how to build an event from one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.base import TIME_END, TIME_MIN, is_placeholder, time_from_ms, time_ms
from schemas.registry import CONTRACTS
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason
from stream.wechat.event_builder import checked, fact_id
from stream.wechat.push.account import PushAccount
from stream.wechat.push.body_parser import Node, malformed

EVENT: Final = "event"

_digits = re.compile("[0-9]{1,20}").fullmatch
_seconds = re.compile("[0-9]{1,12}").fullmatch
_FIRST_S, _END_S = time_ms(TIME_MIN) // 1000, time_ms(TIME_END) // 1000


@dataclass(frozen=True, slots=True)
class Message:
    """One push. ``event`` is its name in lower case, empty for a message that a person wrote.

    WeChat writes the names of events in any case (``SCAN``, ``subscribe``).
    """

    fields: Node
    account: PushAccount
    msg_type: str
    event: str

    def text(self, name: str) -> str:
        """A field of the message, empty where there is none."""
        return self.fields.text(name)

    @property
    def sender(self) -> str:
        """FromUserName: the openid, unless one of WeChat's own accounts sends."""
        return self.text("fromusername")

    @property
    def time_s(self) -> int:
        """CreateTime, seconds since 1970: a number or a string."""
        written = self.text("createtime")
        time_s = int(written) if _seconds(written) else -1
        if not _FIRST_S <= time_s < _END_S:
            malformed("CreateTime must be seconds since 1970, of a day from 2011 to 2099.")
        return time_s

    @property
    def topic(self) -> Literal["wechat.mini-program", "wechat.official-account"]:
        """The topic for the account's kind."""
        if self.account.kind == "mini_program":
            return TOPIC_MINI_PROGRAM
        return TOPIC_OFFICIAL_ACCOUNT


def read_message(fields: Node, account: PushAccount) -> Message:
    """The message in parsed fields.

    Raises `DeliveryRejected` if it is no message, or another account's.
    """
    to = fields.text("tousername")
    if account.original_id is not None and to != account.original_id:
        raise DeliveryRejected(
            RejectReason.WRONG_APP, "ToUserName is not the account's original_id in the apps file."
        )
    msg_type = fields.text("msgtype").lower()
    if not msg_type:
        malformed("MsgType is missing.")
    event = fields.text("event").lower() if msg_type == EVENT else ""
    if msg_type == EVENT and not event:
        malformed("Event is missing.")
    return Message(fields, account, msg_type, event)


def event_of(
    message: Message, type_: str, *, key: tuple[str, ...] = (), **data: Any
) -> OutboundEvent:
    """An event of type ``type_`` with ``data``, without fields that are None or empty.

    ``appid`` and ``openid`` are the account's and the sender's unless ``data`` has others. The id
    follows WeChat's advice: MsgId for a message; FromUserName and CreateTime for an event, plus
    its name and EventKey, since several can happen in a second. ``key`` distinguishes the events
    of one push.
    """
    data = {"appid": message.account.appid, "openid": message.sender, **data}
    time_s = message.time_s
    same: tuple[object, ...]
    if message.event:
        same = (data["openid"], time_s, message.event, message.text("eventkey"))
    else:
        same = (message_id(message.fields),)
    topics = CONTRACTS[type_].topics
    return OutboundEvent(
        topic=message.topic if message.topic in topics else topics[0],
        type=type_,
        id=fact_id(type_, data["appid"], *same, *key),
        time=time_from_ms(time_s * 1000),
        data=checked(type_, {k: v for k, v in data.items() if v not in (None, "")}),
    )


def message_id(fields: Node) -> str:
    """MsgId, an integer of 64 bits, as a string, since many JSON parsers lose its last digits."""
    written = fields.text("msgid")
    if written and not (_digits(written) and int(written) < 2**63):
        malformed("MsgId must be an integer of at most 64 bits.")
    return written


def real_id(text: str) -> str | None:
    """An optional id: None for a placeholder from WeChat's documentation."""
    return text if text and not is_placeholder(text) else None
