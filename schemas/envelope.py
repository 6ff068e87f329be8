# SPDX-License-Identifier: Apache-2.0
"""The CloudEvents 1.0 attributes that are read: their patterns, and which are required.

A pattern must match the whole value. JSON Schema of the envelope comes from the same table. All
other attributes are ignored and not kept: what a producer or a mesh adds does no harm, and personal
data in it goes no further.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from schemas.base import MESSAGE_ID_PATTERN, TIME_PATTERN, any_case
from schemas.erased import RECORD_ERASED

SPECVERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
CONTENT_TYPE_STRUCTURED: Final = "application/cloudevents+json"

# RFC 9110, media types. JSON is told by json or +json (CloudEvents JSON format, 3.1). Its charset
# can only be UTF-8 (RFC 8259).
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CHARSET: Final = any_case("charset")
_PARAMETER: Final = (
    rf'{_CHARSET}=("{any_case("utf-8")}"|{any_case("utf-8")})'
    rf'|(?!{_CHARSET}=){_TOKEN}=({_TOKEN}|"([^"\\]|\\.)*")'
)
_JSON_MEDIA_TYPE: Final = (
    rf"{_TOKEN}/({_TOKEN}\+)?{any_case('json')}([ \t]*;[ \t]*({_PARAMETER}))*[ \t]*"
)

#: Attribute → pattern of its value.
ATTRIBUTES: Final[dict[str, str]] = {
    "specversion": r"1\.0",
    "id": r"[^\x00-\x1f\x7f-\x9f]{1,1024}",
    "source": r"[!-~]{1,1024}",  # a URI is printable ASCII without spaces
    "type": r"[a-z0-9_.]{1,128}",
    "time": TIME_PATTERN,
    "datacontenttype": _JSON_MEDIA_TYPE,
}
REQUIRED: Final = ("specversion", "id", "source", "type", "time")

#: What each attribute must be, for a person who has to mend it.
DESCRIPTIONS: Final[dict[str, str]] = {
    "specversion": "must be the string 1.0",
    "id": "must be 1 to 1024 printable characters",
    "source": "must be a URI reference of at most 1024 characters, without spaces",
    "type": "must be an event type in lower case, like payment.succeeded.v1",
    "time": "must be an RFC 3339 time with a zone, from 2011 to 2099: when the event happened",
    "datacontenttype": "must be a media type of JSON in UTF-8, like application/json",
}

MATCHERS: Final = {name: re.compile(pattern).fullmatch for name, pattern in ATTRIBUTES.items()}
_plain_id = re.compile(MESSAGE_ID_PATTERN).fullmatch


def known_id(id_: str) -> str:
    """The id of an event in the engine and in all output.

    The producer's if that is plain (``MESSAGE_ID_PATTERN``), else ``sha256:`` and 64 hexadecimal
    digits of the digest of its UTF-8.
    """
    return id_ if _plain_id(id_) else f"sha256:{sha256(id_.encode()).hexdigest()}"


def envelope_json_schema() -> dict[str, Any]:
    """JSON Schema of an event in structured form; ``data`` is described per type."""
    properties: dict[str, Any] = {
        # null is how some writers leave out an optional attribute
        name: {
            "type": "string" if name in REQUIRED else ["string", "null"],
            "pattern": f"^({pattern})$",
            "description": f"{name} {DESCRIPTIONS[name]}",
        }
        for name, pattern in ATTRIBUTES.items()
    }
    base64 = {"type": ["string", "null"], "contentEncoding": "base64"}
    return {
        "type": "object",
        "description": "A CloudEvents 1.0 event as one JSON object. Other attributes are not read.",
        "properties": properties | {"data": {"type": ["object", "null"]}, "data_base64": base64},
        "required": list(REQUIRED),
        "anyOf": [
            {"required": ["data"]},
            {"required": ["data_base64"]},
            {"properties": {"type": {"const": RECORD_ERASED}}},
        ],
    }
