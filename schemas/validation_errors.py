# SPDX-License-Identifier: Apache-2.0
"""Describes validation errors: where and what to do, without repeating the input."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ValidationError

from schemas.registry import CONTRACTS

PROBLEMS_MAX = 3  # as many as a dead letter names; the rest is counted

#: Fields which sources have and which must not be kept, with what to do about them.
UNWANTED = {
    "user_received_account": "describes a person's bank account",
    "session_key": "is a secret",
    "content": "is what a person wrote",
}
#: Pydantic's error types whose text speaks of Python rather than of JSON.
_TEXTS = {
    "model_type": "must be a JSON object",
    "tuple_type": "must be an array",
    "string_type": "must be a string",
    "int_type": "must be an integer of at most 64 bits, not a fraction, a string or a boolean",
    "bool_type": "must be true or false",
}
_TAGS = {"direct", "partner", "mall"}  # pydantic puts the chosen shape into the path


@cache
def _vocabulary() -> frozenset[str]:
    """All field names of all contracts: messages may contain these, since they are ours."""
    names: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            names.update(node.get("properties", {}))
            node = node.values()
        elif not isinstance(node, list):
            return
        for child in node:
            collect(child)

    for contract in CONTRACTS.values():
        collect(contract.adapter.json_schema())
    return frozenset(names)


def describe(error: ValidationError) -> str:
    """The first problems as sentences: ``$.data.amount.total is missing; it is required.``"""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [_sentence(problem) for problem in found[:PROBLEMS_MAX]]
    if len(found) > PROBLEMS_MAX:
        sentences.append(f"And {len(found) - PROBLEMS_MAX} more.")
    return " ".join(dict.fromkeys(sentences))


def _sentence(problem: Any) -> str:
    kind, where = problem["type"], tuple(problem["loc"])
    if kind == "extra_forbidden":
        return _unknown_field(where)
    path = _path(where)
    if kind == "missing":
        return f"{path} is missing; it is required."
    # Pydantic's texts state the rule, not the input, for the validators used in our models.
    text = _TEXTS.get(kind) or problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{path}: {text[0].lower()}{text[1:]}."


def _unknown_field(where: tuple[str | int, ...]) -> str:
    parent, name = _path(where[:-1]), where[-1]
    if name in UNWANTED:
        return f"{parent}.{name} {UNWANTED[str(name)]}: remove it before publishing."
    if name in _vocabulary():
        return f"{parent}.{name} does not belong to this type: remove it."
    # The name was made up by the sender, so it could itself be somebody's id.
    return f"{parent} has a field which this type does not have: remove it."


def _path(where: tuple[str | int, ...]) -> str:
    steps = where[1:] if where and where[0] in _TAGS else where
    return "$.data" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
