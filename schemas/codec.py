"""Kafka records to events and back: the CloudEvents 1.0 Kafka binding.

Three forms are read: structured (content-type ``application/cloudevents+json``), binary
(``ce_*`` headers, the value is ``data``), and a plain JSON object which has the envelope's
required fields. Binary is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

import msgspec
import orjson
from pydantic import ValidationError

from schemas.base import Closed, format_ms, format_time, read_time, time_ms
from schemas.dead_letter import Reason
from schemas.envelope import (
    ATTRIBUTES,
    CONTENT_TYPE,
    CONTENT_TYPE_STRUCTURED,
    DESCRIPTIONS,
    MATCHERS,
    REQUIRED,
    SPECVERSION,
)
from schemas.exports import EXPORT_BYTES_MAX
from schemas.problems import describe
from schemas.registry import CONTRACTS, TOPIC_EXPORTS

_SPECVERSION: Final = ("ce_specversion", SPECVERSION.encode())
_CONTENT_TYPE: Final = ("content-type", CONTENT_TYPE.encode())
VALUE_BYTES_MAX: Final = 262_144  # ours are below 10 kB; a record above costs one dead letter

Headers = Sequence[tuple[str, bytes]]


class Refused(Exception):
    """The record is no event of ours.

    ``message`` says where (a JSON path) and what to do; it never repeats what was refused.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Event(msgspec.Struct, frozen=True, gc=False):
    """An accepted event. ``time_ms`` is ``time`` in milliseconds since the Unix epoch."""

    id: str
    source: str
    type: str
    time: datetime
    time_ms: int
    data: Closed


def decode(value: bytes | None, headers: Headers, topic: str) -> Event:
    """Read one record of ``topic`` (its name without a deployment's prefix).

    Raises `Refused`, and nothing else.
    """
    if value is None:
        _refuse(Reason.MALFORMED_JSON, "The value is empty; publish a JSON object.")
    allowed = EXPORT_BYTES_MAX if topic == TOPIC_EXPORTS else VALUE_BYTES_MAX
    if len(value) > allowed:
        _refuse(
            Reason.TOO_LARGE,
            f"The value has {len(value)} bytes, {allowed} are allowed; "
            "publish references instead of contents.",
        )
    if (usual := _usual(headers)) is not None:
        return _read(*usual, _parse(value), topic, "header ce_")
    attributes, content_type = _read_headers(headers)
    structured = content_type.startswith(CONTENT_TYPE_STRUCTURED)
    document = _parse(value)
    if attributes and not structured:
        if content_type:
            attributes.setdefault("datacontenttype", content_type)
        return _event(attributes, document, topic, "header ce_")
    if type(document) is not dict:
        _refuse(
            Reason.INVALID_ENVELOPE,
            "$ must be one JSON object with the CloudEvents attributes and data "
            "(batches are not read), or data with the attributes in ce_ headers.",
        )
    return _event(document, document.pop("data", None), topic, "$.")


#: What a producer of events in binary form writes as a rule: these headers and no other ...
_USUAL_HEADERS: Final = ("ce_id", "ce_source", "ce_type", "ce_time")
#: ... with values as all others must have them, too; a value has no line break.
_usual_values = re.compile(
    "\n".join(f"({ATTRIBUTES[name[3:]]})" for name in _USUAL_HEADERS).encode()
).fullmatch


def _usual(headers: Headers) -> tuple[str, str, str, str] | None:
    """Id, source, type and time of an event in usual binary form; a fifth of the time.

    ``None`` says nothing but that the general way has to be gone.
    """
    given = dict(headers)
    if len(given) != 6 or len(headers) != 6:
        return None
    try:
        values = b"\n".join([given[name] for name in _USUAL_HEADERS])
        if given["ce_specversion"] != b"1.0" or given["content-type"] != b"application/json":
            return None
    except (KeyError, TypeError):
        return None
    if _usual_values(values) is None:
        return None
    id_, source, type_, time = values.decode("ascii").split("\n")
    return id_, source, type_, time


def _read_headers(headers: Headers) -> tuple[dict[str, Any], str]:
    """The ``ce_*`` attributes and the content type; other headers are not ours to judge."""
    attributes: dict[str, Any] = {}
    content_type = ""
    try:
        for name, raw in headers:
            if name.startswith("ce_"):
                attribute = name[3:]
                if attribute in attributes:
                    _refuse(Reason.INVALID_ENVELOPE, "A ce_ header is given twice; give it once.")
                attributes[attribute] = raw.decode() if raw else ""
            elif name.lower() == "content-type":
                content_type = raw.decode().lower() if raw else ""
    except UnicodeDecodeError:
        _refuse(Reason.INVALID_ENVELOPE, "The ce_ and content-type headers must be UTF-8.")
    return attributes, content_type


def _parse(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        position = error.pos
    _refuse(
        Reason.MALFORMED_JSON,
        f"The value is not JSON in UTF-8, or nested too deeply (noticed at character {position}); "
        "publish one JSON object.",
    )


def _event(attributes: Mapping[str, Any], data: Any, topic: str, place: str) -> Event:
    for name, value in attributes.items():
        matcher = MATCHERS.get(name)
        if matcher is None:
            _refuse(
                Reason.INVALID_ENVELOPE,
                f"{place}* has an attribute which is not taken; known are: "
                f"{', '.join(ATTRIBUTES)}. Everything else belongs into data.",
            )
        if value is None:  # CloudEvents JSON format: null is absent
            continue
        if type(value) is not str or matcher(value) is None:
            _refuse(Reason.INVALID_ENVELOPE, f"{place}{name} {DESCRIPTIONS[name]}.")
    for name in REQUIRED:
        if attributes.get(name) is None:
            _refuse(Reason.INVALID_ENVELOPE, f"{place}{name} is missing; it {DESCRIPTIONS[name]}.")
    return _read(
        attributes["id"],
        attributes["source"],
        attributes["type"],
        attributes["time"],
        data,
        topic,
        place,
    )


def _read(
    id_: str, source: str, event_type: str, when: str, data: Any, topic: str, place: str
) -> Event:
    """The event, of attributes which have the right form."""
    if type(data) is not dict:
        _refuse(Reason.INVALID_ENVELOPE, "$.data must be a JSON object; it is missing or none.")
    try:
        time = read_time(when)
    except ValueError:
        _refuse(Reason.INVALID_ENVELOPE, f"{place}time {DESCRIPTIONS['time']}.")
    return Event(id_, source, event_type, time, time_ms(time), _data(event_type, data, topic))


def _data(event_type: str, data: dict[str, Any], topic: str) -> Closed:
    contract = CONTRACTS.get(event_type)
    if contract is None:
        _refuse(
            Reason.UNKNOWN_TYPE,
            "The type is not known here; the known types are the file names of schemas/json.",
        )
    if topic not in contract.topics:
        _refuse(
            Reason.WRONG_TOPIC,
            f"{event_type} is read from {' or '.join(contract.topics)} only; publish it there.",
        )
    try:
        return contract.validate(data)
    except ValidationError as error:
        message = describe(error)
    _refuse(Reason.INVALID_DATA, message)


def _refuse(reason: Reason, message: str) -> NoReturn:
    raise Refused(reason, message)


# --- writing --------------------------------------------------------------------------------------


def binary_headers(
    type: str, id: str, source: str, time: datetime | int, subject: str | None = None
) -> list[tuple[str, bytes]]:
    """Headers of a record in binary form; ``time`` is aware, or milliseconds since the epoch."""
    moment = format_ms(time) if isinstance(time, int) else format_time(time)
    headers = [
        _SPECVERSION,
        ("ce_type", type.encode()),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_time", moment.encode()),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    headers.append(_CONTENT_TYPE)
    return headers


def encode_data(data: Closed) -> bytes:
    """The value of a record in binary form: equal models give equal bytes, absent fields none."""
    return data.__pydantic_serializer__.to_json(data, exclude_none=True, by_alias=True)
