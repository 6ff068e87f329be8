# SPDX-License-Identifier: Apache-2.0
"""What values the contracts allow in the fields that conditions test."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.registry import SOURCES
from stream.engine.model.touchpoints import Touchpoint

#: No field that rules test is ever below: amounts, lengths of time, counts.
LEAST_NUMBER: Final = 0


@cache
def choices(touchpoint: Touchpoint, field: str) -> tuple[str, ...]:
    """All values of a field whose contract lists them; empty for others."""
    found: list[str] = []
    for annotation in _annotations(touchpoint, field):
        listed = _literals(annotation)
        if not listed:
            return ()
        found += listed
    return tuple(dict.fromkeys(found))


def is_possible(touchpoint: Touchpoint, field: str, value: object) -> bool:
    """Whether an event may have this value; any is possible where no contract speaks of it."""
    types = [TypeAdapter(annotation) for annotation in _annotations(touchpoint, field)]
    return not types or any(_takes(type_, value) for type_ in types)


def _takes(type_: TypeAdapter[Any], value: object) -> bool:
    try:
        type_.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _annotations(touchpoint: Touchpoint, field: str) -> tuple[Any, ...]:
    """The types of the field in the models of the touchpoint's sources that have it."""
    models = [m for s in SOURCES if s.touchpoint is touchpoint for m in _models(s.model)]
    return tuple(found for model in models if (found := _annotation(model, field)) is not None)


def _models(type_: Any) -> list[type[BaseModel]]:
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return [type_]
    return [model for part in get_args(type_) for model in _models(part)]


def _annotation(model: type[BaseModel], field: str) -> Any:
    if field in model.model_fields:
        return model.model_fields[field].rebuild_annotation()
    found = getattr(model, field, None)
    return get_type_hints(found.fget).get("return") if isinstance(found, property) else None


def _literals(annotation: Any) -> list[str]:
    """The words of ``Literal[...]``, also within ``Annotated`` or beside ``None``."""
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for part in get_args(annotation) for word in _literals(part)]
