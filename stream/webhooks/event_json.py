# SPDX-License-Identifier: Apache-2.0
"""Turn a record into the body of a request: the event as CloudEvents' JSON, its data untouched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from schemas.base import MESSAGE_ID_PATTERN
from schemas.envelope import CONTENT_TYPE_STRUCTURED, DESCRIPTIONS, MATCHERS, REQUIRED

MEDIA_TYPE: Final = CONTENT_TYPE_STRUCTURED

_PREFIX: Final = "ce_"
_plain_id = re.compile(MESSAGE_ID_PATTERN).fullmatch


class NotAnEvent(Exception):
    """The engine did not write this record; the message names what is wrong, without its bytes."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What is delivered: ``id`` is the event's own, ``subject`` whom it is about."""

    id: str
    type: str
    subject: str
    body: bytes


def webhook_of(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Webhook:
    """The webhook of an event in binary mode; one without value has no data.

    Raises :class:`NotAnEvent`.
    """
    try:
        texts = {name: (text or b"").decode() for name, text in headers}
    except UnicodeDecodeError:
        raise NotAnEvent("a header is not UTF-8") from None
    event: dict[str, object] = {
        name.removeprefix(_PREFIX): text for name, text in texts.items() if name.startswith(_PREFIX)
    }
    for name in REQUIRED:
        if not MATCHERS[name](str(event.get(name, ""))):
            raise NotAnEvent(f"header {_PREFIX}{name} {DESCRIPTIONS[name]}")
    id_ = str(event["id"])
    if not _plain_id(id_):
        raise NotAnEvent(f"header {_PREFIX}id is none of this engine's ids")
    if value is not None:
        event["datacontenttype"] = texts.get("content-type", "application/json")
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            raise NotAnEvent("the value is not JSON") from None
        event["data"] = orjson.Fragment(value)
    subject = str(event.get("subject", id_))
    return Webhook(id_, str(event["type"]), subject, orjson.dumps(event))
