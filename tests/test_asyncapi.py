# SPDX-License-Identifier: Apache-2.0
"""The AsyncAPI document is the code's, valid, and right about what is read and written.

``support/asyncapi-3.0.0.schema.json`` is ``schemas/3.0.0.json`` of npm's @asyncapi/specs 6.11.1,
unchanged, under the Apache License 2.0: Copyright 2016-2025 AsyncAPI Initiative. This product
includes software developed at AsyncAPI Initiative (http://www.asyncapi.com/).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from schemas import CONTRACTS, Reason, binary_headers, dead_letter_headers, erased_headers
from schemas.erased import RECORD_ERASED
from stream.addressing.topics import TopicNames
from tests.schemas.samples import Document, example
from tests.support import asyncapi

DOCUMENT = yaml.safe_load(asyncapi.PATH.read_text("utf-8"))
MESSAGES = DOCUMENT["components"]["messages"]
META_SCHEMA = asyncapi.ROOT / "tests" / "support" / "asyncapi-3.0.0.schema.json"


def test_the_committed_document_is_what_the_code_says() -> None:
    text = asyncapi.PATH.read_text("utf-8")
    assert text == asyncapi.wanted(), f"If that is intended, accept it with: {asyncapi.COMMAND}"


def test_it_is_an_asyncapi_document() -> None:
    validator = Draft7Validator(json.loads(META_SCHEMA.read_text("utf-8")))
    assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(DOCUMENT)] == []
    assert not validator.is_valid(DOCUMENT | {"channels": {"a": {"adress": "a"}}})


def test_references_lead_somewhere() -> None:
    found = list(_references(DOCUMENT))
    assert found
    for reference in found:
        file, _, place = reference.partition("#/")
        if file:
            assert (asyncapi.PATH.parent / file).is_file(), reference
            continue
        node = DOCUMENT
        for name in place.split("/"):
            node = node[name]


def test_every_topic_has_its_types() -> None:
    channels = DOCUMENT["channels"]
    assert [c["address"] for c in channels.values()] == [*TopicNames().all()]
    listed = {(topic, type_) for topic, c in channels.items() for type_ in c["messages"]}
    contracts = {(topic, c.type) for c in CONTRACTS.values() for topic in c.topics}
    assert listed == contracts | {("shadow.dead-letters", asyncapi.DEAD_LETTER)}


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_a_record_in_binary_mode_fits_its_message(name: str) -> None:
    document: Document = example(name)
    whom, at = document.get("subject"), 1_772_323_200_000
    if name == RECORD_ERASED:
        headers = erased_headers(document["id"], document["source"], at, document["subject"])
    else:
        headers = binary_headers(name, document["id"], document["source"], at, whom)
    found = {key: value.decode() for key, value in headers}
    _message_takes(name, found)
    if name != RECORD_ERASED:
        schema = json.loads((asyncapi.PATH.parent / MESSAGES[name]["payload"]["$ref"]).read_text())
        Draft202012Validator(schema).validate(document["data"])
    with pytest.raises(AssertionError):
        _message_takes(name, found | {"ce_type": "other.happened.v1"})


def test_a_dead_letter_fits_its_message() -> None:
    place: dict[str, Any] = {"topic": "wechat.pay", "partition": 0, "stage": "decode"}
    for offset in (7, None):
        headers = dead_letter_headers(
            [], **place, offset=offset, reason=Reason.TOO_LATE, message="m", key=b"k"
        )
        _message_takes(asyncapi.DEAD_LETTER, {key: value.decode() for key, value in headers})


def _message_takes(name: str, headers: dict[str, str]) -> None:
    message = MESSAGES[name]
    traits = DOCUMENT["components"]["messageTraits"]
    parts = [traits[t["$ref"].rpartition("/")[2]]["headers"] for t in message.get("traits", ())]
    for schema in (message["headers"], *parts):
        assert [e.message for e in Draft202012Validator(schema).iter_errors(headers)] == []


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "$ref" else _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
