# SPDX-License-Identifier: Apache-2.0
"""Check a stored entity from outside: what must hold by its facts, never by history.

An account was last settled at some instant before its partition's clock, and time alone changes
nothing until it is due. So it must be right as of the earlier of the two. But an account which
was settled after a version of the rules began, and is woken for that version, is due before it was
settled: one that is overdue may be right as of the clock instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stream.engine.identity.origin_binding import winner_of
from stream.engine.model.decision import Entity
from stream.engine.model.payment import Payment
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Erased, Origin
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.offer_blocks import Live, differs, held_offer, live_offer, outdated


class Fault(StrEnum):
    """What can be wrong with an entity."""

    UNREADABLE = "unreadable"  # no entity at all
    GRANTED = "granted"  # points granted, posted against evaluated
    EXPIRED = "expired"
    PAID = "paid"
    BALANCE = "balance"
    OUTCOMES = "outcomes"  # input records accounted for
    OFFER = "offer"  # points of the live offer, announced against evaluated, 0 for none
    FACTS = "facts"  # an origin's facts in an account that is not its own
    GENERATION = "generation"  # the binding by which its facts came against the origin's
    EVIDENCE = "evidence"  # the origin is bound to another union than its evidence says
    REFUND = "refund"  # fen; an amount below zero, or a net amount above the total
    WAITING = "waiting"  # facts which wait for a payment that is there


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of one entity; numbers where there are numbers.

    ``parts`` are the rules (``rule@version``) about which they differ: found, expected.
    """

    key: str
    fault: Fault
    found: int
    expected: int
    parts: tuple[tuple[str, int, int], ...] = ()


def settled_at(clock_ms: int, due_ms: int | None) -> tuple[int, ...]:
    """The instants of which an entity must be right as of one."""
    return (clock_ms,) if due_ms is None or due_ms > clock_ms else (due_ms - 1, clock_ms)


def account_of(entity: Entity) -> Account | None:
    """The account in an entity, if it has one."""
    if isinstance(entity, Origin):
        return entity.account
    return entity if isinstance(entity, Account) else None


def origins_of(entity: Entity) -> list[str]:
    """The keys of the origins which :func:`violations` asks for."""
    if not isinstance(entity, Account):
        return []
    return [origin for origin in sorted(entity.facts_by_origin) if origin]


def violations(
    key: str, entity: Entity, origins: Mapping[str, Origin], book: RuleBook, as_of: int
) -> Iterator[Violation]:
    """Everything wrong with an entity, ``origins`` being those of :func:`origins_of`."""
    if isinstance(entity, Erased):
        return
    if isinstance(entity, Payment):
        yield from _of_payment(key, entity)
        return
    if isinstance(entity, Origin):
        yield from _of_origin(key, entity)
    else:
        yield from _of_facts(key, entity, origins)
    account = account_of(entity)
    if account is not None:
        result = evaluate(account, book, as_of)
        yield from _of_posted(key, account, result)
        yield from _of_offer(key, account, result, book, as_of)


def _of_posted(key: str, account: Account, result: AccountView) -> Iterator[Violation]:
    posted = account.posted
    due = result.dues
    for fault, found, expected in (
        (Fault.GRANTED, posted.granted, result.granted),
        (Fault.EXPIRED, posted.expired, result.expired),
        (Fault.PAID, posted.paid, due),
        (Fault.OUTCOMES, posted.outcomes, result.outcomes),
    ):
        if _nonzero(found) != _nonzero(expected):
            parts = _parts(found, expected) if fault in _BY_RULE else ()
            yield Violation(key, fault, sum(found.values()), sum(expected.values()), parts)
    if posted.balance != result.left:
        yield Violation(key, Fault.BALANCE, posted.balance, result.left)


#: Faults whose numbers are of rules; others are of members, or of outcomes.
_BY_RULE = (Fault.GRANTED, Fault.EXPIRED)


def _parts(
    found: Mapping[str, int], expected: Mapping[str, int]
) -> tuple[tuple[str, int, int], ...]:
    both = ((n, found.get(n, 0), expected.get(n, 0)) for n in sorted({**found, **expected}))
    return tuple(part for part in both if part[1] != part[2])


def _nonzero(points: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in points.items() if number}


def _of_offer(
    key: str, account: Account, result: AccountView, book: RuleBook, as_of: int
) -> Iterator[Violation]:
    last = account.last_offer
    found = last.points if last is not None and last.live else 0
    offer = "member" if result.enrolment else live_offer(key, account, result, book, as_of)
    if isinstance(offer, str):
        if last is not None and last.live:
            yield Violation(key, Fault.OFFER, found, 0)
    elif not _is_announced(key, account, offer, result, book, as_of):
        yield Violation(key, Fault.OFFER, found, offer.points)


def _is_announced(
    key: str, account: Account, live: Live, result: AccountView, book: RuleBook, as_of: int
) -> bool:
    """A fall is announced at once; what is new, or more, may wait for the cool-down."""
    last, rules = account.last_offer, book.at(as_of)
    if last is None or rules is None:
        return False
    block = rules.block(live.block)
    quiet = block is not None and as_of < last.announced_at + block.cooldown_ms
    if not last.live:
        return quiet
    held = held_offer(last, live, key, account, result, rules, as_of)
    return not outdated(last, live, held, as_of) and (quiet or not differs(last, live))


def _of_facts(key: str, account: Account, origins: Mapping[str, Origin]) -> Iterator[Violation]:
    for name, origin_facts in sorted(account.facts_by_origin.items()):
        if not name:
            continue
        origin = origins.get(name)
        if origin is None or origin.bound != key:
            yield Violation(key, Fault.FACTS, 1, 0)
            continue
        # Only the very first binding may bring nothing along, of an origin without an account; what
        # an erasure has sent home may follow it, with the number it had.
        first = 1 + (origin.erased.at if origin.erased else 0)
        joined = max(*origin_facts.attached, min(origin.generation, first), 0)
        if joined != origin.generation:
            yield Violation(key, Fault.GENERATION, joined, origin.generation)


def _of_origin(key: str, origin: Origin) -> Iterator[Violation]:
    winner = winner_of(origin)
    if origin.bound != winner:
        yield Violation(key, Fault.EVIDENCE, int(bool(origin.bound)), int(bool(winner)))
    if origin.account is None:
        return
    foreign = sum(name != key for name in origin.account.facts_by_origin)
    if foreign or origin.bound:
        yield Violation(key, Fault.FACTS, foreign or len(origin.account.facts_by_origin), 0)


def _of_payment(key: str, payment: Payment) -> Iterator[Violation]:
    for refund in [refund for said in payment.refunds.values() for refund in said]:
        if (least := min(refund.order_fen, refund.payer_fen)) < 0:
            yield Violation(key, Fault.REFUND, least, 0)
    if payment.fact is None:
        return
    if payment.waiting:
        yield Violation(key, Fault.WAITING, len(payment.waiting), 0)
    net = payment.net("verify").fact.fields
    for field in ("total_fen", "payer_total_fen"):
        total, left = int(payment.fact.fields[field]), int(net[field])
        if not 0 <= left <= total:
            yield Violation(key, Fault.REFUND, left, total)
