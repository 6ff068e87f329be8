# SPDX-License-Identifier: Apache-2.0
"""Whatever arrives, `decode` answers with an event or with `Refused`, and repeats nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import example as explicitly
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas import CONTRACTS, OUTPUT_TOPICS, SOURCE_TOPICS, Refused, decode, encode_data
from schemas.generate import documents
from tests.schemas.samples import FORMS, TYPES, WITH_DATA, Document, changed, example, topic_of

pytestmark = pytest.mark.fuzz

VALIDATORS = {name: Draft202012Validator(schema) for name, schema in documents().items()}
MARKER = "Qz7Marker"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.integers(min_value=0, max_value=1000)
    | st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
    | st.sampled_from(["OPENID", "2026-03-01T00:00:00Z", "CNY", "union.a.b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=5,
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_source", "ce_specversion", "ce_x"])
        | st.just("content-type")
        | st.text(max_size=10),
        st.binary(max_size=40) | st.sampled_from([b"1.0", b"application/cloudevents+json"]),
    ),
    max_size=8,
)
topics = st.sampled_from([*SOURCE_TOPICS, *OUTPUT_TOPICS, "other"])


def paths(node: Any, prefix: str = "") -> list[str]:
    children: list[tuple[Any, Any]] = []
    if isinstance(node, dict):
        children = list(node.items())
    elif isinstance(node, list):
        children = list(enumerate(node))
    here = [f"{prefix}{key}" for key, _ in children]
    return here + [p for key, child in children for p in paths(child, f"{prefix}{key}.")]


@st.composite
def mutated(draw: st.DrawFn, replacement: st.SearchStrategy[Any] = json_values) -> Document:
    """An example with up to three places replaced, removed, or given a new neighbour."""
    document = example(draw(st.sampled_from(TYPES)))
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        # the envelope is small and fails early: most of the time look behind it
        inside = draw(st.integers(0, 9)) > 0
        everywhere = [p for p in paths(document) if p != "type"]
        candidates = [p for p in everywhere if p.startswith("data.") and inside] or everywhere
        if not candidates:
            break
        path = draw(st.sampled_from(candidates))
        value = draw(st.just(...) | replacement)
        if draw(st.booleans()) and value is not ... and not path.rpartition(".")[2].isdigit():
            path = path.rpartition(".")[0]
            name = draw(st.sampled_from(["unionid", "openid", "event_key"]) | replacement)
            name = name.replace(".", "") if isinstance(name, str) else "x"
            path = f"{path}.{name}" if path else name
        with contextlib.suppress(TypeError, KeyError, IndexError, ValueError, AttributeError):
            document = changed(document, path, value)
    return document


@st.composite
def gently_mutated(draw: st.DrawFn) -> Document:
    """An example with one field of its data left out or given another value of its kind."""
    document = example(draw(st.sampled_from(WITH_DATA)))
    path = draw(st.sampled_from([p for p in paths(document) if p.startswith("data.")]))
    old: Any = document
    for step in path.split("."):
        old = old[int(step) if isinstance(old, list) else step]
    alike: st.SearchStrategy[Any] = st.none() | st.just(...)
    if type(old) is int:
        alike = st.integers(-(2**53), 2**54) | st.integers(0, 100)
    elif isinstance(old, str):
        alike = alike | st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True) | st.text()
        alike = alike | st.sampled_from([old + "x", old[:-1], old + "\n", old.upper()])
    elif isinstance(old, list):
        alike = alike | st.just([]) | st.just(old + old)
    return changed(document, path, draw(alike))


@given(st.none() | st.binary(max_size=300), headers, topics)
@explicitly(b"[" * 262_144, [], "wechat.pay")
def test_arbitrary_bytes(
    value: bytes | None, given_headers: list[tuple[str, bytes]], topic: str
) -> None:
    with contextlib.suppress(Refused):
        decode(value, given_headers, topic)


@given(json_values, headers, topics)
def test_arbitrary_json(value: Any, given_headers: list[tuple[str, bytes]], topic: str) -> None:
    with contextlib.suppress(Refused):
        decode(orjson.dumps(value), given_headers, topic)


@settings(max_examples=400)
@given(mutated() | gently_mutated(), st.sampled_from(sorted(FORMS)))
def test_mutated_examples_and_the_schema_files_agree(document: Document, form: str) -> None:
    """What `decode` takes, the published JSON Schema takes, and it can be written again."""
    try:
        record = FORMS[form](document)
    except (AttributeError, KeyError, TypeError):  # no such thing can be put into headers
        record = FORMS["plain"](document)
    topic = topic_of(document["type"]) if document.get("type") in CONTRACTS else "other"
    try:
        event = decode(*record, topic)
    except Refused:
        return
    VALIDATORS[event.type].validate(document.get("data") or {})
    if not any(name == "ce_id" for name, _ in record[1]):
        VALIDATORS["envelope"].validate(document)
    again = CONTRACTS[event.type].validate(orjson.loads(encode_data(event.data)))
    assert again == event.data


markers = st.sampled_from(
    [MARKER, f"{MARKER} x", f"-{MARKER}", MARKER * 40, f"{MARKER}\n", f"2026-{MARKER}"]
)


@settings(max_examples=400)
@given(mutated(markers | st.builds(lambda m: {m: m}, markers) | st.builds(lambda m: [m], markers)))
def test_messages_never_repeat_what_was_sent(document: Document) -> None:
    topic = topic_of(document["type"]) if document.get("type") in CONTRACTS else "wechat.pay"
    for form in FORMS.values():
        try:
            record = form(document)
        except (AttributeError, KeyError, TypeError):
            continue
        try:
            decode(*record, topic)
        except Refused as refused:
            shown = f"{refused} {refused!r}".lower()
            assert MARKER.lower() not in shown


@given(st.sampled_from(WITH_DATA), markers)
def test_messages_never_repeat_an_unknown_type_or_broken_text(event_type: str, marker: str) -> None:
    document = example(event_type)
    for value in (
        orjson.dumps(document | {"type": marker}),
        orjson.dumps(document | {"data": {marker: "x"}}),
        orjson.dumps(document)[:-1] + marker.encode(),
        marker.encode(),
    ):
        with pytest.raises(Refused) as caught:
            decode(value, [], topic_of(event_type))
        assert MARKER.lower() not in f"{caught.value!r}".lower()
