# SPDX-License-Identifier: Apache-2.0
"""The committed examples, and the three forms in which an event can be sent."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson

import schemas
from schemas import CONTRACTS
from schemas.erased import RECORD_ERASED

EXAMPLES = Path(schemas.__file__).parent / "examples"
TYPES = sorted(CONTRACTS)
PAYMENT = "payment.succeeded.v1"
#: Types which have data; of what is erased there are none.
WITH_DATA = [name for name in TYPES if name != RECORD_ERASED]

Document = dict[str, Any]
Record = tuple[bytes | None, list[tuple[str, bytes]]]

_loaded = {path.stem: orjson.loads(path.read_bytes()) for path in EXAMPLES.glob("*.json")}


def example(event_type: str) -> Document:
    document: Document = copy.deepcopy(_loaded[event_type])
    return document


def topic_of(event_type: str) -> str:
    return CONTRACTS[event_type].topics[0]


def plain(document: Document) -> Record:
    return orjson.dumps(document), []


def structured(document: Document) -> Record:
    header = b"application/cloudevents+json; charset=UTF-8"
    return orjson.dumps(document), [("content-type", header)]


def binary(document: Document) -> Record:
    headers = [
        (f"ce_{name}", value.encode())
        for name, value in document.items()
        if name not in ("data", "datacontenttype")
    ]
    if "data" not in document:
        return None, headers
    return orjson.dumps(document["data"]), [*headers, ("content-type", b"application/json")]


FORMS = {"plain": plain, "structured": structured, "binary": binary}


def changed(document: Document, path: str, value: Any) -> Document:
    """A copy with ``a.b.0`` set to ``value``, or taken out when ``value`` is ``...``."""
    result = copy.deepcopy(document)
    *parents, last = path.split(".")
    node: Any = result
    for step in parents:
        node = node[int(step) if isinstance(node, list) else step]
    key: Any = int(last) if isinstance(node, list) else last
    if value is ...:
        del node[key]
    else:
        node[key] = value
    return result
