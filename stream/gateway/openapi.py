# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of the endpoints for the brand's own clients, made from the code."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas import CONTRACTS
from stream.brand.clients import TYPES
from stream.engine.audit.consumer_card import ConsumerCard
from stream.gateway.endpoint_app import STATUS
from stream.gateway.endpoints import consumers
from stream.gateway.endpoints.batch_parser import EVENTS_MAX
from stream.gateway.endpoints.consumer_request import (
    ID_CHARS_MAX,
    WAYS,
    WITHIN_S_MAX,
    ConsumerRequest,
)
from stream.gateway.endpoints.event_results import Reason, Status
from stream.gateway.endpoints.request_signatures import CLIENT, NONCE, SIGNATURE, TIMESTAMP
from stream.gateway.endpoints.sessions import CODE_CHARS_MAX, LoginRequest, SessionToken

_REF: Final = "#/components/schemas/{name}"
_STATUSES: Final = {
    400: "The request is malformed; the message says where.",
    401: "A header is missing, the signature is wrong or old, or the session token has ended.",
    403: "This client may not do that.",
    408: "The body did not come in time.",
    409: "The request was accepted before.",
    413: "The body is too large.",
    429: "Above the client's or the person's rate, or WeChat's; see Retry-After.",
    500: "An error of the gateway's; its log has more.",
    503: "Kafka, Redis or the engine is behind or away, or too many requests are open.",
}
_HEADERS: Final = {
    CLIENT: ("The client's id in the apps file.", {"type": "string", "maxLength": 32}),
    TIMESTAMP: ("Unix seconds.", {"type": "string", "pattern": "^[0-9]{1,11}$"}),
    NONCE: (
        "New for every request.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
    ),
    SIGNATURE: (
        "HMAC-SHA256, in hexadecimal, of timestamp, newline, nonce, newline and body.",
        {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
    ),
}


def document(version: str) -> dict[str, Any]:
    """The document, fit for JSON. ``version`` is the product's."""
    kinds = [ConsumerRequest, ConsumerCard, LoginRequest, SessionToken]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    _limit(schemas)
    schemas |= {"Event": _event(), "Batch": _batch(), "Results": _results(), "Error": _error()}
    parameters = {
        name: {"name": name, "in": "header", "required": True, "description": text, "schema": s}
        for name, (text, s) in _HEADERS.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "shadowpoints gateway",
            "version": version,
            "description": "For the brand's own tills, servers and mini-programs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            consumers.PATH: _post(
                "lookUpConsumer",
                "What is known of one consumer, after an event of theirs if there is one",
                "ConsumerRequest",
                {200: "ConsumerCard"},
            ),
            "/events": _post(
                "reportEvents",
                "Report events",
                "Batch",
                {200: "Results", 207: "Results", 422: "Results"},
            ),
            "/sessions": _post(
                "openSession",
                "Exchange a mini-program's login code for a session token",
                "LoginRequest",
                {201: "SessionToken"},
            ),
        },
        "components": {"schemas": dict(sorted(schemas.items())), "parameters": parameters},
    }


def _post(id_: str, summary: str, body: str, answers: dict[int, str]) -> dict[str, Any]:
    errors = _STATUSES.keys() & set(STATUS.values())
    responses = {
        str(status): {
            "description": _STATUSES.get(status, summary),
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=name)}}},
        }
        for status, name in sorted((answers | dict.fromkeys(errors, "Error")).items())
    }
    return {
        "post": {
            "operationId": id_,
            "summary": summary,
            "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": _REF.format(name=body)}}},
            },
            "responses": responses,
        }
    }


def _limit(schemas: dict[str, Any]) -> None:
    """What the code checks beside the types."""
    schemas["ConsumerRequest"] = _consumer_request(schemas["ConsumerRequest"])
    code = {"type": "string", "minLength": 1, "maxLength": CODE_CHARS_MAX}
    schemas["LoginRequest"]["properties"]["js_code"] = code


def _consumer_request(found: dict[str, Any]) -> dict[str, Any]:
    """One closed object for each way to name a person."""
    id_ = {"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX, "pattern": "^[^.]+$"}
    more = {
        "event": {"$ref": _REF.format(name="Event")},
        "within_s": found["properties"]["within_s"] | {"minimum": 0, "maximum": WITHIN_S_MAX},
    }
    ways = [
        {
            "type": "object",
            "additionalProperties": False,
            "required": list(way),
            "properties": {n: {"type": "string"} if n == "token" else id_ for n in way} | more,
        }
        for way in WAYS
    ]
    return {"title": found["title"], "description": found["description"], "oneOf": ways}


def _event() -> dict[str, Any]:
    types = sorted(frozenset().union(*TYPES.values()))
    assert all(type_ in CONTRACTS for type_ in types)
    return {
        "title": "Event",
        "description": "`data` by type: one JSON Schema each in schemas/json.",
        "type": "object",
        "required": ["id", "type", "time", "data"],
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "type": {"enum": types},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
    }


def _batch() -> dict[str, Any]:
    return {
        "title": "Batch",
        "type": "object",
        "additionalProperties": False,
        "required": ["events"],
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": EVENTS_MAX,
                "items": {"$ref": _REF.format(name="Event")},
            },
            "token": {"type": ["string", "null"], "description": "Of an SDK's session."},
        },
    }


def _results() -> dict[str, Any]:
    counts = {status.value: {"type": "integer", "minimum": 0} for status in Status}
    result = {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"enum": [status.value for status in Status]},
            "id": {"type": "string"},
            "reason": {"enum": [reason.value for reason in Reason]},
            "message": {"type": "string"},
        },
    }
    return {
        "title": "Results",
        "description": "The result of each event, in order.",
        "type": "object",
        "required": [*counts, "results"],
        "properties": {**counts, "results": {"type": "array", "items": result}},
    }


def _error() -> dict[str, Any]:
    return {
        "title": "Error",
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"const": "FAIL"}, "message": {"type": "string"}},
    }
