"""Translate pydantic's errors into sentences: what is wrong, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stream.yaml_config.problems import Finding, Loc, suggestion

_KEY = "[key]"  # how pydantic marks an error about a dict's key

_SENTENCES: Mapping[str, str] = {
    "rules": "{message}",
    "missing": "is missing; add it",
    "int_type": "must be a whole number without quotes",
    "string_type": "must be text; put it in quotes",
    "bool_type": "must be true or false, without quotes",
    "tuple_type": "must be a list: one '- ' line for each entry",
    "dict_type": "must hold settings of its own, one 'name: value' in each line",
    "model_type": "must hold settings of its own, one 'name: value' in each line",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "string_too_long": "must have at most {max_length} characters",
}


def findings_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """A finding for each error of a validation of ``model``."""
    for details in error.errors(include_url=False, include_input=False):
        loc: Loc = details["loc"]
        of_name = bool(loc) and loc[-1] == _KEY
        if of_name:
            loc = loc[:-1]
        at_name = of_name or details["type"] == "extra_forbidden"
        yield Finding(loc, _sentence(details, model), at_name)


def _sentence(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, ctx = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        name = str(details["loc"][-1])
        return f"there is no such setting here; {suggestion(name, _settings(model, details))}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**ctx)
    return details["msg"]


def _settings(model: type[BaseModel], details: ErrorDetails) -> list[str]:
    """The settings of the model that the error is in."""
    inner = model
    for part in details["loc"][:-1]:
        if isinstance(part, str):
            field = _fields(inner).get(part)
            inner = (_model_in(field.annotation) if field else None) or inner
    return list(_fields(inner))


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``tuple[Model, ...]``, ``Model | None`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
