# SPDX-License-Identifier: Apache-2.0
"""Checks that a changed contract is compatible with stored events and with existing readers.

Both checks ask whether a reader's JSON Schema allows all that a writer's allows. The
comparison covers the keywords our schemas use; a pattern or ``not`` must be the same on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

Schema = dict[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_SAME = ("pattern", "format", "not")


def breaking_changes(
    stored: Schema, current: Schema, direction: Literal["in", "out", "hint"]
) -> list[str]:
    """Changes from ``stored`` to ``current`` that need a new major version.

    Always: the current reader must accept what was written so far, and know every field of it. For
    what we emit, also: a reader of the stored contract must accept what we write now. Such a
    contract leaves room for new fields.
    """
    found = [
        f"refuses what was valid: {p}" for p in unreadable(stored, current, know_every_field=True)
    ]
    if direction == "out":
        found += [f"old readers would refuse: {p}" for p in unreadable(current, stored)]
    return found


def unreadable(writer: Schema, reader: Schema, *, know_every_field: bool = False) -> list[str]:
    """Where the reader rejects what the writer may write, as ``$.path: why``.

    A reader that must ``know_every_field`` rejects others even if its schema allows them.
    """
    return list(_Comparison(writer, reader, know_every_field).node(writer, reader, "$"))


class _Comparison:
    """Compares two documents; holds their ``$defs``."""

    def __init__(self, writer: Schema, reader: Schema, know_every_field: bool) -> None:
        self._writer, self._reader, self._know_every_field = writer, reader, know_every_field

    def node(self, writer: Schema, reader: Schema, path: str) -> Iterator[str]:
        """Every alternative of the writer needs one of the reader; the nearest one is reported."""
        choices = _alternatives(reader, self._reader)
        for written in _alternatives(writer, self._writer):
            attempts = [list(self._single(written, choice, path)) for choice in choices]
            yield from min(attempts, key=len)

    def _single(self, writer: Schema, reader: Schema, path: str) -> Iterator[str]:
        if not _types(writer) <= _types(reader):
            yield f"{path}: another type"
            return
        yield from _limits(writer, reader, path)
        yield from _rules(writer, reader, path)
        yield from self._object(writer, reader, path)
        if "items" in writer and "items" in reader:
            yield from self.node(writer["items"], reader["items"], f"{path}[]")

    def _object(self, writer: Schema, reader: Schema, path: str) -> Iterator[str]:
        for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            yield f"{path}.{name}: required, but may be absent"
        known = reader.get("properties", {})
        for name, written in writer.get("properties", {}).items():
            if name in known:
                yield from self.node(written, known[name], f"{path}.{name}")
            elif self._know_every_field or reader.get("additionalProperties") is False:
                yield f"{path}.{name}: not taken"


def _alternatives(node: Schema, document: Schema) -> list[Schema]:
    """The node with references resolved, and a pure union as its members."""
    if "$ref" in node:
        return _alternatives(document["$defs"][node["$ref"].rpartition("/")[2]], document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in node and "type" not in node:
            return [leaf for each in node[keyword] for leaf in _alternatives(each, document)]
    return [node]


def _types(node: Schema) -> set[str]:
    declared = node.get("type", [])
    types = {declared} if isinstance(declared, str) else set(declared)
    return types | {"integer"} if "number" in types else types


def _values(node: Schema) -> set[Any] | None:
    return {node["const"]} if "const" in node else set(node["enum"]) if "enum" in node else None


def _limits(writer: Schema, reader: Schema, path: str) -> Iterator[str]:
    for keyword in _LOWER:
        if keyword in reader and writer.get(keyword, float("-inf")) < reader[keyword]:
            yield f"{path}: {keyword} is tighter"
    for keyword in _UPPER:
        if keyword in reader and writer.get(keyword, float("inf")) > reader[keyword]:
            yield f"{path}: {keyword} is tighter"
    allowed, written = _values(reader), _values(writer)
    if allowed is not None and (written is None or not written <= allowed):
        yield f"{path}: not every value is taken"


def _rules(writer: Schema, reader: Schema, path: str) -> Iterator[str]:
    for keyword in _SAME:
        if keyword in reader and writer.get(keyword) != reader[keyword]:
            yield f"{path}: another {keyword}"
    if any(rule not in writer.get("allOf", []) for rule in reader.get("allOf", [])):
        yield f"{path}: a rule was added"
    options = reader.get("anyOf", [])
    if options and ("anyOf" not in writer or any(o not in options for o in writer["anyOf"])):
        yield f"{path}: an alternative was removed"
