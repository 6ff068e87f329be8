# SPDX-License-Identifier: Apache-2.0
"""Translate pydantic's errors into sentences: what is wrong, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stream.language import yaml_messages as say
from stream.language.message import Message, Phrase, either, placeholders
from stream.yaml_config.problems import Finding, Loc, suggestion
from stream.yaml_config.value_types import REFUSED

_KEY = "[key]"  # how pydantic marks an error about a dict's key

_SENTENCES: Mapping[str, Message] = {
    "missing": say.MISSING,
    "int_type": say.NEEDS_WHOLE_NUMBER,
    "string_type": say.NEEDS_TEXT,
    "bool_type": say.NEEDS_TRUE_OR_FALSE,
    "tuple_type": say.NEEDS_LIST,
    "dict_type": say.NEEDS_SETTINGS,
    "model_type": say.NEEDS_SETTINGS,
    "greater_than_equal": say.AT_LEAST,
    "less_than_equal": say.AT_MOST,
    "enum": say.ONE_OF,
    "literal_error": say.ONE_OF,
    "string_too_long": say.TOO_LONG,
}
_WORDS = re.compile(r"'([^']*)'")


def findings_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """A finding for each error of a validation of ``model``."""
    for details in error.errors(include_url=False, include_input=False):
        loc: Loc = details["loc"]
        of_name = bool(loc) and loc[-1] == _KEY
        if of_name:
            loc = loc[:-1]
        at_name = of_name or details["type"] == "extra_forbidden"
        yield Finding(loc, _sentence(details, model), at_name)


def _sentence(details: ErrorDetails, model: type[BaseModel]) -> Phrase:
    kind, ctx = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        name = str(details["loc"][-1])
        return say.NO_SUCH_SETTING(known=suggestion(name, _settings(model, details)))
    if kind == REFUSED:
        said: Phrase = ctx["said"]
        return said
    message = _SENTENCES.get(kind)
    if message is None:
        return say.VERBATIM(text=details["msg"])
    if message is say.ONE_OF:  # pydantic joins the words
        words = _WORDS.findall(ctx["expected"])
        return message(choices=either(say.CHOICE(word=word) for word in words))
    return message(**{name: ctx[name] for name in placeholders(message.en)})


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
