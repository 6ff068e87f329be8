"""The CloudEvents 1.0 attributes, one table: what is allowed, what is required.

A pattern must match the whole value. JSON Schema of the envelope comes from the same table.
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.base import MESSAGE_ID_PATTERN, TIME_PATTERN

SPECVERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
CONTENT_TYPE_STRUCTURED: Final = "application/cloudevents+json"

_URI = r"[!-~]{1,1024}"  # a URI is printable ASCII without spaces

#: Attribute → pattern of its value.
ATTRIBUTES: Final[dict[str, str]] = {
    "specversion": r"1\.0",
    "id": MESSAGE_ID_PATTERN,
    "source": _URI,
    "type": r"[a-z0-9_.]{1,128}",
    "time": TIME_PATTERN,
    "subject": r"[^\x00-\x1f\x7f]{1,512}",
    "datacontenttype": r"application/json( ?; ?charset=([uU][tT][fF]-8))?",
    "dataschema": _URI,
    # Extensions: tracing and the producer's choice of a key. Others are refused, because
    # nothing would read them and personal data could travel in them unseen.
    "traceparent": r"[0-9a-f-]{1,128}",
    "tracestate": r"[ -~]{0,512}",
    "partitionkey": r"[^\x00-\x1f\x7f]{1,512}",
}
REQUIRED: Final = ("specversion", "id", "source", "type", "time")

#: What each attribute must be, for a person who has to mend it.
DESCRIPTIONS: Final[dict[str, str]] = {
    "specversion": "must be the string 1.0",
    "id": "must be 1 to 200 characters of A-Z a-z 0-9 _ . : ~ -",
    "source": "must be a URI reference of at most 1024 characters, without spaces",
    "type": "must be an event type in lower case, like payment.succeeded.v1",
    "time": "must be an RFC 3339 time with a zone, from 2011 to 2099",
    "subject": "must be 1 to 512 characters of text",
    "datacontenttype": "must be application/json",
    "dataschema": "must be a URI of at most 1024 characters, without spaces",
    "traceparent": "must be a W3C trace parent",
    "tracestate": "must be a W3C trace state of at most 512 characters",
    "partitionkey": "must be 1 to 512 characters of text",
}

MATCHERS: Final = {name: re.compile(pattern).fullmatch for name, pattern in ATTRIBUTES.items()}


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
    return {
        "type": "object",
        "description": "A CloudEvents 1.0 event as one JSON object.",
        "properties": properties | {"data": {"type": "object"}},
        "required": [*REQUIRED, "data"],
        "additionalProperties": False,
    }
