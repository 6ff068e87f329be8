# SPDX-License-Identifier: Apache-2.0
"""Iterate over the entries of lists in a plain tree, skipping values of the wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stream.language import yaml_messages as say
from stream.yaml_config.problems import Finding, Loc, shown


def entries(owner: object, name: str, at: Loc = ()) -> Iterator[tuple[Loc, Mapping[str, object]]]:
    """The mappings in the list ``name`` of ``owner`` (which is at ``at``), each with its path."""
    for i, item in enumerate(list_of(owner, name)):
        if isinstance(item, dict):
            yield (*at, name, i), item


def ids_differ(owner: object, name: str, id_name: str, at: Loc = ()) -> Iterator[Finding]:
    """No two entries of a list have the same id."""
    seen: set[str] = set()
    for loc, entry in entries(owner, name, at):
        id_ = entry.get(id_name)
        if type(id_) is int:  # an id that YAML reads as a number
            id_ = str(id_)
        if isinstance(id_, str):
            if id_ in seen:
                yield Finding((*loc, id_name), say.USED_ABOVE(id=shown(id_), name=id_name))
            seen.add(id_)


def list_of(owner: object, name: str) -> list[object]:
    """The list ``name`` of ``owner``; empty if there is none."""
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, list) else []
