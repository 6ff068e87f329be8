"""A message with what all have in common, and how an event of ours is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.base import PLACEHOLDERS, TIME_END, TIME_MIN, time_from_ms, time_ms
from schemas.registry import (
    CONTRACTS,
    TOPIC_MINI_PROGRAM,
    TOPIC_OFFICIAL_ACCOUNT,
)
from stream.wechat.heard import NotHeard, Outgoing, Refusal
from stream.wechat.outgoing import checked, fact_id
from stream.wechat.push.account import PushAccount
from stream.wechat.push.reading import Part, malformed

EVENT: Final = "event"

_digits = re.compile("[0-9]{1,20}").fullmatch
_seconds = re.compile("[0-9]{1,12}").fullmatch
_FIRST_S, _END_S = time_ms(TIME_MIN) // 1000, time_ms(TIME_END) // 1000


@dataclass(frozen=True, slots=True)
class Message:
    """One push. ``event`` is its name in lower case, empty for what a person wrote.

    WeChat writes the names of events in any case (``SCAN``, ``subscribe``).
    """

    fields: Part
    account: PushAccount
    msg_type: str
    event: str

    def text(self, name: str) -> str:
        """A field of the message, empty where there is none."""
        return self.fields.text(name)

    @property
    def sender(self) -> str:
        """FromUserName: the openid, except where a platform account sends."""
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
        """Where the events of the account's kind go."""
        if self.account.kind == "mini_program":
            return TOPIC_MINI_PROGRAM
        return TOPIC_OFFICIAL_ACCOUNT


def open_message(fields: Part, account: PushAccount) -> Message:
    """The message in its fields; raises `NotHeard` when it is none, or another account's."""
    to = fields.text("tousername")
    if account.original_id is not None and to != account.original_id:
        raise NotHeard(
            Refusal.WRONG_APP, "ToUserName is not the account's original_id in the apps file."
        )
    msg_type = fields.text("msgtype").lower()
    if not msg_type:
        malformed("MsgType is missing.")
    event = fields.text("event").lower() if msg_type == EVENT else ""
    if msg_type == EVENT and not event:
        malformed("Event is missing.")
    return Message(fields, account, msg_type, event)


def outgoing(message: Message, type_: str, *, key: tuple[str, ...] = (), **data: Any) -> Outgoing:
    """An event of type ``type_`` with ``data``; what is None or empty is left out.

    ``appid`` and ``openid`` are the account's and the sender's unless ``data`` has others. The id
    follows WeChat's advice: MsgId of a message; FromUserName and CreateTime of an event, to which
    its name and EventKey are added, since a second is long. ``key`` tells apart what else one
    push becomes.
    """
    data = {"appid": message.account.appid, "openid": message.sender, **data}
    time_s = message.time_s
    same: tuple[object, ...]
    if message.event:
        same = (data["openid"], time_s, message.event, message.text("eventkey"))
    else:
        same = (number(message.fields),)
    topics = CONTRACTS[type_].topics
    return Outgoing(
        topic=message.topic if message.topic in topics else topics[0],
        type=type_,
        id=fact_id(type_, data["appid"], *same, *key),
        time=time_from_ms(time_s * 1000),
        data=checked(type_, {k: v for k, v in data.items() if v not in (None, "")}),
    )


def number(fields: Part) -> str:
    """MsgId, an integer of 64 bits: as a string, since JSON would lose its last digits."""
    written = fields.text("msgid")
    if written and not (_digits(written) and int(written) < 2**63):
        malformed("MsgId must be an integer of at most 64 bits.")
    return written


def real_id(text: str) -> str | None:
    """An id which may be left out: None for a placeholder of WeChat's documentation."""
    return text if text and text.lower() not in PLACEHOLDERS else None
