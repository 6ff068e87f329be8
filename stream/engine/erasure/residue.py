# SPDX-License-Identifier: Apache-2.0
"""Find and remove references to erased people that the messages of their erasure did not reach.

Those messages reach all that is known to be that person. References elsewhere (a payment, a veto,
an origin that was theirs for a while) cannot be looked up; the sweep, which looks at everything,
asks here. ``gone`` has those of the people named who were erased, by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stream.engine.erasure.person_references import people_in, people_of
from stream.engine.identity.aliases import proof
from stream.engine.model.decision import Entity, Send
from stream.engine.model.erased import forget_messages
from stream.engine.model.messages import (
    Disown,
    Erase,
    FactReceived,
    Message,
    PaymentReported,
    TransferIn,
    TransferOut,
)
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account, Erased, Origin, OriginFacts, Posted
from stream.engine.points.account_messages import ERASE_REQUESTED, EXPORT_REQUESTED


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """A person who was erased; ``stored`` if there is a new beginning under the same key."""

    erased: Erased
    stored: bool

    def had(self, time: int) -> bool:
        """Whether what happened at ``time`` (ms) is forgotten."""
        return time <= self.erased.at

    def knew(self, time: int) -> bool:
        """Whether what the engine published at ``time`` (ms) is about what is forgotten."""
        return not self.stored or time <= self.erased.since


def messages_to_forget(key: str, entity: Entity, gone: Mapping[str, ErasedPerson]) -> list[Send]:
    """The messages that make an entity forget the people who are gone."""
    forgetter = FORGETTERS.get(type(entity))
    return forgetter(key, entity, gone) if forgetter is not None else []


def is_residue(to: str, message: Message, gone: Mapping[str, ErasedPerson]) -> bool:
    """Whether a message that was applied does nothing more than name people who are gone."""
    named = [(person, gone[person]) for person in people_in(to, message) if person in gone]
    match message:
        case FactReceived(fact=fact) | PaymentReported(fact=fact):
            about = (to, message.origin)
            return any(g.had(fact.time) or (p in about and not g.stored) for p, g in named)
        case TransferIn():
            owner = gone.get(message.origin)
            return any(not g.stored for _, g in named) or (
                owner is not None and _is_old(message, owner)
            )
        case _:
            return any(not g.stored for _, g in named)


def owner_of(message: Message) -> str:
    """The origin whose facts or whose points a message is about; "" if there is none."""
    return message.origin if isinstance(message, FactReceived | TransferIn | TransferOut) else ""


def restated(
    message: Message, owner: Origin | None, gone: Mapping[str, ErasedPerson]
) -> list[Send]:
    """The messages that take the place of residue that is about another person.

    An origin that was once taken for an erased person has facts of its own. ``owner`` is what is
    stored of that origin, if anything is. Its bindings must be counted as they are now by a replay,
    too, in which it was never that person's.
    """
    origin = owner_of(message)
    if not origin or (origin in gone and not _is_new(message, gone[origin])):
        return []
    generation = owner.generation if owner is not None else 0
    if isinstance(message, FactReceived):
        if message.fact.type in (ERASE_REQUESTED, EXPORT_REQUESTED):
            return []
        other = gone.get(message.claim)
        claim = "" if other is not None and other.had(message.fact.time) else message.claim
        return [Send(origin, FactReceived(message.fact, origin, claim, generation, counted=False))]
    if owner is None or not owner.bound or origin in gone:
        return []
    return [Send(owner.bound, TransferIn(origin, generation, OriginFacts(), Posted(), origin))]


def deferred_key(to: str, message: Message, gone: Mapping[str, ErasedPerson]) -> str:
    """The key of an entity with more residue, which only this message reveals; or "".

    A payment of an erased person: all messages to it are residue. Or an origin that was bound to an
    erased person and is another: a replay of the log without that person counts its bindings
    afresh, so all messages about its moves are residue. Delete what reveals them last.
    """
    if isinstance(message, Erase | PaymentReported) and to.startswith("tx."):
        return to if isinstance(message, Erase) or is_residue(to, message, gone) else ""
    if not isinstance(message, FactReceived | TransferIn | TransferOut) or message.origin in gone:
        return ""
    moved = not isinstance(message, FactReceived) or to in gone
    return message.origin if moved and is_residue(to, message, gone) else ""


def moves(message: Message) -> str:
    """Which origin moves from one account to another by this message; "" for none."""
    return message.origin if isinstance(message, TransferIn | TransferOut) else ""


def _of_payment(key: str, payment: Payment, gone: Mapping[str, ErasedPerson]) -> list[Send]:
    for payer in (gone.get(origin) for origin in payment.payers()):
        if payer is not None and payment.fact is not None and payer.had(payment.fact.time):
            return [Send(key, Erase(payer.erased.at, payer.erased.asked))]
    return []


def _of_account(key: str, account: Account, gone: Mapping[str, ErasedPerson]) -> list[Send]:
    met = people_of(key, account) - {key} - account.facts_by_origin.keys()
    unknown = (p for p in sorted(met & gone.keys()) if not gone[p].stored)
    return [Send(key, Disown(p, gone[p].erased.at)) for p in unknown]


def _of_origin(key: str, origin: Origin, gone: Mapping[str, ErasedPerson]) -> list[Send]:
    bound = gone.get(origin.bound)
    if bound is not None and bound.had(proof(origin, origin.bound).time):
        return forget_messages(key, bound.erased)
    met = people_of(key, origin) - {key, origin.bound}
    return [
        Send(key, Disown(p, gone[p].erased.at))
        for p in sorted(met & gone.keys())
        if _is_stale(p, origin, gone[p])
    ]


#: How each type of entity that names people forgets some of them.
FORGETTERS: Final[Mapping[type, Callable[[str, Any, Mapping[str, ErasedPerson]], list[Send]]]] = {
    Account: _of_account,
    Origin: _of_origin,
    Payment: _of_payment,
}


def _is_new(message: Message, owner: ErasedPerson) -> bool:
    """Whether it is a fact of their new beginning."""
    return isinstance(message, FactReceived) and owner.stored and not owner.had(message.fact.time)


def _is_stale(person: str, origin: Origin, gone: ErasedPerson) -> bool:
    """Whether they are remembered from before, and not for something since."""
    times = [d[person].time for d in (origin.evidence, origin.shared) if person in d]
    times += [origin.aliases[person]] if person in origin.aliases else []
    return any(map(gone.had, times)) if times else not gone.stored


def _is_old(message: TransferIn, owner: ErasedPerson) -> bool:
    """Whether it brings nothing of the new beginning, whose bindings have higher numbers."""
    return message.generation <= owner.erased.at and all(map(owner.had, _times(message.facts)))


def _times(origin_facts: OriginFacts) -> Iterator[int]:
    for facts in (origin_facts.touches, *origin_facts.stated):
        for fact in facts.values():
            yield fact.time
    if origin_facts.archived is not None:
        yield origin_facts.archived.latest
