"""What is left over of people who were erased, and what becomes of it.

The messages of an erasure reach who is known to be that person. Mentions elsewhere (a payment, a
veto, an origin which was theirs for a while) nobody can look up; whoever looks at everything asks
here. ``gone`` has those of the people named who were erased, by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stream.engine.account import ERASE_REQUESTED, EXPORT_REQUESTED
from stream.engine.decision import Entity, Send
from stream.engine.erasure import tell
from stream.engine.facts import Fact
from stream.engine.kin import proof
from stream.engine.mentions import people_in, people_of
from stream.engine.messages import Arrived, Attach, Detach, Disown, Erase, Message, Paid
from stream.engine.payment import Payment
from stream.engine.state import Account, Erased, Origin, Posted, Strand


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who was erased; ``stored`` if there is a new beginning under the same key."""

    erased: Erased
    stored: bool

    def had(self, time: int) -> bool:
        """Whether what happened at ``time`` (ms) is forgotten."""
        return time <= self.erased.at

    def knew(self, time: int) -> bool:
        """Whether what the engine said at ``time`` (ms) is of what is forgotten."""
        return not self.stored or time <= self.erased.since


def orders(key: str, entity: Entity, gone: Mapping[str, Gone]) -> list[Send]:
    """What must be told so that an entity forgets them."""
    match entity:
        case Payment(fact=Fact() as fact):
            for payer in (gone.get(origin) for origin in (entity.origin, *sorted(entity.others))):
                if payer is not None and payer.had(fact.time):
                    return [Send(key, Erase(payer.erased.at, payer.erased.asked))]
            return []
        case Origin():
            return _of_origin(key, entity, gone)
        case Account():
            met = people_of(key, entity) - {key} - entity.strands.keys()
            unknown = (p for p in sorted(met & gone.keys()) if not gone[p].stored)
            return [Send(key, Disown(p, gone[p].erased.at)) for p in unknown]
        case _:
            return []


def is_left_over(to: str, message: Message, gone: Mapping[str, Gone]) -> bool:
    """Whether a message which was applied is of no use but to tell of them."""
    named = [(person, gone[person]) for person in people_in(to, message) if person in gone]
    match message:
        case Arrived(fact=fact) | Paid(fact=fact):
            about = (to, message.origin)
            return any(g.had(fact.time) or (p in about and not g.stored) for p, g in named)
        case Attach():
            owner = gone.get(message.origin)
            return any(not g.stored for _, g in named) or (
                owner is not None and _is_old(message, owner)
            )
        case _:
            return any(not g.stored for _, g in named)


def owner_of(message: Message) -> str:
    """The origin whose facts or whose points a message is about; "" if there is none."""
    return message.origin if isinstance(message, Arrived | Attach | Detach) else ""


def instead(message: Message, owner: Origin | None, gone: Mapping[str, Gone]) -> list[Send]:
    """How to say again, without them, what is left over but is about somebody else.

    An origin which was once taken for somebody who is erased by now has facts of its own.
    ``owner`` is what is stored of that origin, if anything is. Its bindings must be counted as
    they are now by a replay, too, in which it was never theirs.
    """
    origin = owner_of(message)
    if not origin or (origin in gone and not _is_new(message, gone[origin])):
        return []
    generation = owner.generation if owner is not None else 0
    if isinstance(message, Arrived):
        if message.fact.type in (ERASE_REQUESTED, EXPORT_REQUESTED):
            return []
        other = gone.get(message.claim)
        claim = "" if other is not None and other.had(message.fact.time) else message.claim
        return [Send(origin, Arrived(message.fact, origin, claim, generation, counted=False))]
    if owner is None or not owner.bound or origin in gone:
        return []
    return [Send(owner.bound, Attach(origin, generation, Strand(), Posted(), origin))]


def clue(to: str, message: Message, gone: Mapping[str, Gone]) -> str:
    """Of whom else something is left over, as this message which is left over tells; or "".

    A payment: of somebody erased, so that all messages to it are left over. Or an origin which was
    bound to somebody erased, and is somebody else. Its bindings will be counted anew when the log
    is replayed without the erased, so that all messages about its moves are left over.
    """
    if isinstance(message, Erase | Paid) and to.startswith("tx."):
        return to if isinstance(message, Erase) or is_left_over(to, message, gone) else ""
    if not isinstance(message, Arrived | Attach | Detach) or message.origin in gone:
        return ""
    moved = not isinstance(message, Arrived) or to in gone
    return message.origin if moved and is_left_over(to, message, gone) else ""


def moves(message: Message) -> str:
    """Which origin moves from one account to another by this message; "" for none."""
    return message.origin if isinstance(message, Attach | Detach) else ""


def _of_origin(key: str, origin: Origin, gone: Mapping[str, Gone]) -> list[Send]:
    bound = gone.get(origin.bound)
    if bound is not None and bound.had(proof(origin, origin.bound).time):
        return tell(key, bound.erased)
    met = people_of(key, origin) - {key, origin.bound}
    return [
        Send(key, Disown(p, gone[p].erased.at))
        for p in sorted(met & gone.keys())
        if _is_stale(p, origin, gone[p])
    ]


def _is_new(message: Message, owner: Gone) -> bool:
    """Whether it is a fact of their new beginning."""
    return isinstance(message, Arrived) and owner.stored and not owner.had(message.fact.time)


def _is_stale(person: str, origin: Origin, gone: Gone) -> bool:
    """Whether they are remembered from before, and not for something since."""
    times = [d[person].time for d in (origin.evidence, origin.shared) if person in d]
    times += [origin.kin[person]] if person in origin.kin else []
    return any(map(gone.had, times)) if times else not gone.stored


def _is_old(message: Attach, owner: Gone) -> bool:
    """Whether it brings nothing of the new beginning, whose bindings have higher numbers."""
    return message.generation <= owner.erased.at and all(map(owner.had, _times(message.strand)))


def _times(strand: Strand) -> Iterator[int]:
    for facts in (strand.touches, strand.enrolments, strand.consents):
        for fact in facts.values():
            yield fact.time
    if strand.closed is not None:
        yield strand.closed.latest
