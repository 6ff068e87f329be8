# SPDX-License-Identifier: Apache-2.0
"""Decodes Kafka records into events and encodes them: the CloudEvents 1.0 Kafka binding.

Three forms are read: structured (content-type ``application/cloudevents+json``), binary
(``ce_*`` headers, the value is ``data``), and a plain JSON object that has the envelope's
required fields. Binary is written. Attributes that are not in ``schemas.envelope`` are ignored.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NoReturn

import orjson
from pydantic import ValidationError

from schemas.base import MESSAGE_ID_PATTERN, Closed, format_ms, format_time, read_time, time_ms
from schemas.dead_letter import Reason
from schemas.envelope import (
    ATTRIBUTES,
    CONTENT_TYPE,
    CONTENT_TYPE_STRUCTURED,
    DESCRIPTIONS,
    MATCHERS,
    REQUIRED,
    SPECVERSION,
    known_id,
)
from schemas.erased import RECORD_ERASED
from schemas.event import Event
from schemas.exports import EXPORT_BYTES_MAX
from schemas.registry import CONTRACTS
from schemas.topics import TOPIC_EXPORTS
from schemas.validation_errors import describe

_SPECVERSION: Final = ("ce_specversion", SPECVERSION.encode())
_CONTENT_TYPE: Final = ("content-type", CONTENT_TYPE.encode())
VALUE_BYTES_MAX: Final = 262_144  # ours are below 10 kB; a record above costs one dead letter

Headers = Sequence[tuple[str, bytes]]


class Refused(Exception):
    """The record is not a valid event.

    ``message`` says where (a JSON path) and what to do; it never repeats the input.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def decode(value: bytes | None, headers: Headers, topic: str) -> Event:
    """Read one record of ``topic`` (its name without a deployment's prefix).

    Raises `Refused`, and nothing else.
    """
    allowed = EXPORT_BYTES_MAX if topic == TOPIC_EXPORTS else VALUE_BYTES_MAX
    if value is not None and len(value) > allowed:
        _refuse(
            Reason.TOO_LARGE,
            f"The value has {len(value)} bytes, {allowed} are allowed; "
            "publish references instead of contents.",
        )
    if value is not None and (usual := _usual(headers)) is not None:
        return _read(*usual, _parse(value), topic, _HEADER)
    attributes, structured = _read_headers(headers)
    if value is None:
        if attributes.get("type") != RECORD_ERASED:
            _refuse(Reason.MALFORMED_JSON, "The value is empty; publish a JSON object.")
        return _event(attributes, None, topic, _HEADER)
    document = _parse(value)
    if not structured and attributes.keys() - {"datacontenttype"}:
        return _event(attributes, document, topic, _HEADER)
    # Of the headers the media type alone counts where the value has the attributes.
    read_attributes({"datacontenttype": attributes.get("datacontenttype")}, _HEADER, ())
    if type(document) is not dict:
        _refuse(
            Reason.INVALID_ENVELOPE,
            "$ must be one JSON object with the CloudEvents attributes and data "
            "(batches are not read), or data with the attributes in ce_ headers.",
        )
    return _event(document, read_data(document, "$."), topic, "$.")


_HEADER: Final = "header ce_"
#: Header → attribute. The binding has datacontenttype in a header of its own.
_attribute_of: Final = {f"ce_{name}": name for name in ATTRIBUTES if name != "datacontenttype"}

#: What a producer of events in binary form writes as a rule: these headers and no other ...
_USUAL_HEADERS: Final = ("ce_id", "ce_source", "ce_type", "ce_time")
#: ... with a plain id, and values as all others must have them, too; a value has no line break.
_usual_values = re.compile(
    "\n".join(
        f"({pattern})"
        for pattern in (MESSAGE_ID_PATTERN, *(ATTRIBUTES[name[3:]] for name in _USUAL_HEADERS[1:]))
    ).encode()
).fullmatch


def _usual(headers: Headers) -> tuple[str, str, str, str] | None:
    """Id, source, type and time of an event in usual binary form; a fifth of the time.

    ``None`` means only that the general path must read the record.
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


def _read_headers(headers: Headers) -> tuple[dict[str, Any], bool]:
    """The attributes in headers, and whether the value has them instead (structured form).

    ``datacontenttype`` is the header content-type, and no ``ce_`` header. Other headers are
    ignored.
    """
    attributes: dict[str, Any] = {}
    for header, raw in headers:
        name = "datacontenttype" if header.lower() == "content-type" else _attribute_of.get(header)
        if name is None:
            continue
        if name in attributes:
            _refuse(
                Reason.INVALID_ENVELOPE, f"{_where(_HEADER, name)} is given twice; give it once."
            )
        text = _text(raw or b"")
        if text is None:
            _refuse(Reason.INVALID_ENVELOPE, f"{_where(_HEADER, name)} must be UTF-8.")
        attributes[name] = text
    media_type = attributes.get("datacontenttype", "").partition(";")[0]
    return attributes, media_type.strip().lower() == CONTENT_TYPE_STRUCTURED


def _text(raw: bytes) -> str | None:
    with suppress(UnicodeDecodeError):
        return raw.decode()
    return None


def _where(place: str, name: str) -> str:
    """An attribute's name in the form of the record, for messages."""
    in_header = place == _HEADER and name == "datacontenttype"
    return "header content-type" if in_header else f"{place}{name}"


def _parse(value: bytes, what: str = "The value") -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        position = error.pos
    _refuse(
        Reason.MALFORMED_JSON,
        f"{what} is not JSON in UTF-8, or nested too deeply (noticed at character {position}); "
        "publish one JSON object.",
    )


def read_attributes(
    given: Mapping[str, Any], place: str, required: Sequence[str] = REQUIRED
) -> dict[str, str]:
    """The known attributes, validated; others are ignored.

    ``place`` is the prefix of names in messages, like ``$.``. Raises `Refused`.
    """
    found: dict[str, str] = {}
    for name, matches in MATCHERS.items():
        value = given.get(name)
        if value is None:  # CloudEvents JSON format: null is absent
            if name in required:
                where = _where(place, name)
                _refuse(Reason.INVALID_ENVELOPE, f"{where} is missing; it {DESCRIPTIONS[name]}.")
            continue
        if type(value) is not str or matches(value) is None:
            _refuse(Reason.INVALID_ENVELOPE, f"{_where(place, name)} {DESCRIPTIONS[name]}.")
        found[name] = value
    return found


def read_data(document: Mapping[str, Any], place: str) -> Any:
    """The data of an event in structured form: ``data``, or the JSON in ``data_base64``.

    Raises `Refused`.
    """
    data, encoded = document.get("data"), document.get("data_base64")
    if encoded is None:
        return data
    where = f"{place}data_base64"
    if data is not None:
        _refuse(Reason.INVALID_ENVELOPE, f"{where} and data are both given; give one of them.")
    with suppress(ValueError, TypeError):
        held = _parse(b64decode(encoded, validate=True), where)
        if type(held) is not dict:
            _refuse(Reason.INVALID_ENVELOPE, f"{where} must hold a JSON object.")
        return held
    _refuse(Reason.INVALID_ENVELOPE, f"{where} must be a string in Base64, with its padding.")


def _event(given: Mapping[str, Any], data: Any, topic: str, place: str) -> Event:
    found = read_attributes(given, place)
    id_, source, type_, time = (found[name] for name in ("id", "source", "type", "time"))
    return _read(known_id(id_), source, type_, time, data, topic, place)


def _read(
    id_: str, source: str, event_type: str, when: str, data: Any, topic: str, place: str
) -> Event:
    """The event from validated attributes."""
    if data is None and event_type == RECORD_ERASED:
        data = {}
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


def erased_headers(id: str, source: str, time: datetime | int, subject: str) -> Headers:
    """Headers of a record without value: the event ``subject`` was erased."""
    headers = binary_headers(RECORD_ERASED, id, source, time, subject)
    return [header for header in headers if header != _CONTENT_TYPE]  # there is no content


def encode_data(data: Closed) -> bytes:
    """The value of a record in binary form: equal models give equal bytes, absent fields none."""
    return data.__pydantic_serializer__.to_json(data, exclude_none=True, by_alias=True)
