# SPDX-License-Identifier: Apache-2.0
"""Leaves out what is invalid in the fields that decide nothing."""

from __future__ import annotations

import copy
from collections.abc import Set
from typing import Any

from pydantic import ValidationError

_Path = tuple[str | int, ...]


def without_invalid(data: Any, error: ValidationError, details: Set[str]) -> Any:
    """``data`` without the values that ``error`` names; ``None`` if one is no detail.

    ``details`` are names of fields of ``data``. Of an item without a required field nothing is
    left. The result has fewer values than ``data``, and may be invalid still.
    """
    if type(data) is not dict or not details:
        return None
    doomed: set[_Path] = set()
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        path = _within(data, problem["loc"])
        if not path or path[0] not in details:
            return None
        doomed.add(path[:-1] if problem["type"] == "missing" else path)
    left = copy.deepcopy(data)
    for path in sorted(doomed, reverse=True):  # of a list the last ones first, items before lists
        _remove(left, path)
    return left


def _within(data: dict[str, Any], where: _Path) -> _Path:
    """The path in ``data``: pydantic puts the chosen shape of a union before it."""
    return where if where and where[0] in data else where[1:]


def _remove(data: Any, path: _Path) -> None:
    *parents, last = path
    for step in parents:
        data = data[step]
    del data[last]
