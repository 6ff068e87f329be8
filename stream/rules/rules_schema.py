# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of the rule file: with the fields that each touchpoint has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stream.engine.model.classes import SCORES, Stage
from stream.engine.model.fields import FIELDS
from stream.engine.model.ruleset import Op
from stream.engine.model.touchpoints import Touchpoint
from stream.rules.known_values import choices
from stream.rules.model import RuleFile
from stream.rules.schedule_model import ScheduleEntry
from stream.yaml_config.file_schema import Schema, schemas_of
from stream.yaml_config.value_types import OPERANDS_MAX

_LISTS = (Op.IN, Op.NOT_IN)
#: The tests of one value: name of the definition and JSON type, and comparisons.
_SINGLES: Mapping[type, tuple[str, str, tuple[Op, ...]]] = {
    int: ("number_tests", "integer", (Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE)),
    str: ("text_tests", "string", (Op.EQ, Op.NE, Op.PREFIX)),
}


def rule_file_schemas() -> dict[str, str]:
    """The files of the schema, by name."""
    refined = {name: _tests(type_, ()) for type_, (name, _, _) in _SINGLES.items()}
    refined["fields_by_touchpoint"] = {"allOf": list(_fields_by_touchpoint())}
    refined["who"] = _who()
    whose: Schema = {"properties": {"who": {"$ref": "#/$defs/who"}}}
    fields: Schema = {"$ref": "#/$defs/fields_by_touchpoint"}
    refined["StepEntry"] = {"allOf": [fields]}
    refined["EarnEntry"] = {"allOf": [fields, whose]}
    refined["TagEntry"] = {"allOf": [whose]}
    return schemas_of(RuleFile, "rules", "Earning rules and offers of shadowpoints", refined)


def _fields_by_touchpoint() -> Iterator[Schema]:
    for touchpoint in Touchpoint:
        named = {"properties": {"touchpoint": {"const": touchpoint.label}}}
        fields = {
            name: _tests(type_, words)
            if (words := choices(touchpoint, name))
            else {"$ref": f"#/$defs/{_SINGLES[type_][0]}"}
            for name, type_ in FIELDS[touchpoint].items()
        }
        known = fields | dict.fromkeys(ScheduleEntry.model_fields, True)  # they are said there
        when = {"type": "object", "properties": known, "additionalProperties": False}
        yield {"if": named, "then": {"properties": {"when": when}}}


def _who() -> Schema:
    """Tests of classes; the ids of levels and tags are the file's own."""
    scores: Schema = {"$ref": "#/$defs/number_tests"}
    known: Schema = {"tier": True, "rfm": True, "tags": True} | dict.fromkeys(SCORES, scores)
    known["lifecycle"] = _tests(str, [stage.value for stage in Stage])
    return {"type": "object", "properties": known, "additionalProperties": False}


def _tests(type_: type, words: Sequence[str]) -> Schema:
    """One value (of ``words``, if there are any), or comparisons with some."""
    _, name, singles = _SINGLES[type_]
    one: Schema = {"type": name}
    exact = {**one, "enum": list(words)} if words else one
    some = {"type": "array", "items": exact, "minItems": 1, "maxItems": OPERANDS_MAX}
    tests = {op.value: one if op is Op.PREFIX else exact for op in singles}
    tests |= {op.value: some for op in _LISTS}
    several = {"type": "object", "properties": tests, "additionalProperties": False}
    return {"anyOf": [exact, {**several, "minProperties": 1}]}
