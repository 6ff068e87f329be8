# SPDX-License-Identifier: Apache-2.0
"""List the keys of the people that a message or an entity names.

Which fields name people the structs declare (``stream.engine.model.person_fields``).
"""

from __future__ import annotations

from collections.abc import Iterable

from stream.engine.model.decision import Entity
from stream.engine.model.messages import Message
from stream.engine.model.person_fields import named_in
from stream.engine.model.state import Erased


def people_in(to: str, message: Message) -> set[str]:
    """All people whom a message to ``to`` names."""
    return _people((to, *named_in(message)))


def people_of(key: str, entity: Entity) -> set[str]:
    """All people whom the entity stored under ``key`` names; a mark of an erasure names none."""
    return set() if isinstance(entity, Erased) else _people((key, *named_in(entity)))


def _people(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(("union.", "origin."))}
