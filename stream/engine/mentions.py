"""Which people a message or an entity names, by the keys under which their state is stored."""

from __future__ import annotations

from collections.abc import Iterable

from stream.engine.decision import Entity
from stream.engine.kin import vetoes
from stream.engine.messages import (
    Arrived,
    Attach,
    Detach,
    Disown,
    Erase,
    Kin,
    Message,
    Paid,
    Unbind,
)
from stream.engine.payment import Payment
from stream.engine.state import Account, Origin


def people_in(to: str, message: Message) -> set[str]:
    """Everyone whom a message to ``to`` names."""
    return _people((to, *_named(message)))


def people_of(key: str, entity: Entity) -> set[str]:
    """Everyone whom the entity stored under ``key`` names."""
    match entity:
        case Account():
            return _people((key, *_of_account(entity)))
        case Origin():
            account = _of_account(entity.account) if entity.account is not None else ()
            heir = entity.passage.heir
            known = (*entity.evidence, *entity.shared, *entity.kin, *vetoes(entity))
            return _people((key, entity.bound, *known, heir, *account))
        case Payment():
            waiting = {name for message in entity.waiting for name in _named(message)}
            return _people((key, entity.origin, *entity.others, *waiting))
        case _:
            return set()


def _named(message: Message) -> tuple[str, ...]:
    match message:
        case Arrived():
            return message.origin, message.claim
        case Paid():
            return (message.origin,)
        case Attach():
            return message.origin, message.sender
        case Detach():
            return message.origin, message.heir
        case Unbind():
            return (message.union,)
        case Kin():
            return message.origin, *message.shared, *message.vetoed
        case Disown():
            return (message.person,)
        case Erase():
            return (message.by,)
        case _:
            return ()


def _of_account(account: Account) -> tuple[str, ...]:
    heirs = (passage.heir for passage in account.passages.values())
    return (*account.strands, *account.passages, *heirs)


def _people(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(("union.", "origin."))}
