# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import pytest

from schemas.compat import Schema, breaking_changes, unreadable
from schemas.generate import documents, opened

Change = Callable[[dict[str, Any]], Any]

BASE: Schema = {
    "$defs": {
        "Amount": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"total": {"type": "integer", "minimum": 0, "maximum": 100}},
            "required": ["total"],
        }
    },
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^a+$"},
        "kind": {"type": "string", "enum": ["x", "y"]},
        "note": {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}]},
        "amount": {"$ref": "#/$defs/Amount"},
        "goods": {"type": "array", "items": {"$ref": "#/$defs/Amount"}, "maxItems": 5},
    },
    "required": ["id", "kind", "amount"],
    "anyOf": [{"required": ["id"]}, {"required": ["kind"]}],
    "allOf": [{"required": ["id"]}],
}


def props(schema: Schema) -> dict[str, Any]:
    properties: dict[str, Any] = schema["properties"]
    return properties


def amount(schema: Schema) -> dict[str, Any]:
    definition: dict[str, Any] = schema["$defs"]["Amount"]
    return definition


def rename(schema: Schema) -> None:
    props(schema)["remark"] = props(schema).pop("note")


def new_required(schema: Schema) -> None:
    props(schema)["shop"] = {"type": "string"}
    schema["required"].append("shop")


# (what is changed, how, breaks an input contract, breaks an output contract)
CHANGES: list[tuple[str, Change, bool, bool]] = [
    ("nothing", lambda s: None, False, False),
    ("description", lambda s: s.update(description="new"), False, False),
    ("add optional", lambda s: props(s).update(shop={"type": "string"}), False, False),
    ("add optional inside", lambda s: amount(s)["properties"].update(n={}), False, False),
    ("add required", new_required, True, True),
    ("remove optional", lambda s: props(s).pop("note"), True, True),
    ("remove required", lambda s: (props(s).pop("id"), s["required"].remove("id")), True, True),
    ("rename", rename, True, True),
    ("make required", lambda s: s["required"].append("note"), True, True),
    # loosening: fine for a reader of ours, not for those who read what we emit
    ("make optional", lambda s: s["required"].remove("kind"), False, True),
    ("add a value", lambda s: props(s)["kind"]["enum"].append("z"), False, True),
    ("raise maximum", lambda s: amount(s)["properties"]["total"].update(maximum=200), False, True),
    ("drop maximum", lambda s: amount(s)["properties"]["total"].pop("maximum"), False, True),
    ("longer", lambda s: props(s)["note"]["anyOf"][0].update(maxLength=20), False, True),
    ("nullable", lambda s: props(s)["id"].update(type=["string", "null"]), False, True),
    ("widen type", lambda s: amount(s)["properties"]["total"].update(type="number"), False, True),
    ("drop pattern", lambda s: props(s)["id"].pop("pattern"), False, True),
    ("add alternative", lambda s: s["anyOf"].append({"required": ["note"]}), False, True),
    ("drop rule", lambda s: s.pop("allOf"), False, True),
    ("more goods", lambda s: props(s)["goods"].update(maxItems=6), False, True),
    # tightening: the other way round, and the log still holds what was valid
    ("remove a value", lambda s: props(s)["kind"]["enum"].remove("y"), True, True),
    ("pin a value", lambda s: props(s)["kind"].update(const="x"), True, True),
    ("lower maximum", lambda s: amount(s)["properties"]["total"].update(maximum=50), True, True),
    ("raise minimum", lambda s: amount(s)["properties"]["total"].update(minimum=1), True, True),
    ("not null", lambda s: props(s).update(note={"type": "string", "maxLength": 10}), True, True),
    ("another type", lambda s: props(s)["id"].update(type="integer"), True, True),
    ("another pattern", lambda s: props(s)["id"].update(pattern="^b+$"), True, True),
    ("add pattern", lambda s: props(s)["kind"].update(pattern="x"), True, True),
    ("fewer goods", lambda s: props(s)["goods"].update(maxItems=4), True, True),
    ("other goods", lambda s: props(s)["goods"].update(items={"type": "string"}), True, True),
    ("remove alternative", lambda s: s["anyOf"].pop(), True, True),
    ("add rule", lambda s: s["allOf"].append({"required": ["note"]}), True, True),
]


@pytest.mark.parametrize(
    ("change", "breaks_in", "breaks_out"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_what_breaks(change: Change, breaks_in: bool, breaks_out: bool) -> None:
    current = copy.deepcopy(BASE)
    change(current)
    assert bool(breaking_changes(BASE, current, "in")) == breaks_in
    assert bool(breaking_changes(opened(BASE), opened(current), "out")) == breaks_out


def test_a_reader_whose_contract_leaves_no_room_refuses_a_new_field() -> None:
    current = copy.deepcopy(BASE)
    props(current)["shop"] = {"type": "string"}
    assert breaking_changes(BASE, current, "out") == ["old readers would refuse: $.shop: not taken"]


def test_the_place_is_named() -> None:
    current = copy.deepcopy(BASE)
    amount(current)["properties"]["total"]["maximum"] = 50
    assert breaking_changes(BASE, current, "in") == [
        "refuses what was valid: $.amount.total: maximum is tighter",
        "refuses what was valid: $.goods[].total: maximum is tighter",
    ]


def test_a_shape_added_to_a_union_is_fine_for_readers_of_it_only() -> None:
    one: Schema = {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {}}}]}
    two: Schema = {"oneOf": [*one["oneOf"], {"type": "object", "properties": {}}]}
    assert unreadable(one, two) == []
    assert unreadable(two, one) == ["$.a: required, but may be absent"]


CURRENT = documents()


@pytest.mark.parametrize("name", sorted(CURRENT))
@pytest.mark.parametrize("direction", ["in", "out"])
def test_every_contract_is_compatible_with_itself(
    name: str, direction: Literal["in", "out"]
) -> None:
    assert breaking_changes(CURRENT[name], CURRENT[name], direction) == []
