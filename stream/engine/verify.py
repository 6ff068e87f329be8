"""What must hold of every stored entity, checked from outside: by the facts, never by history.

An account was last settled at some instant before its partition's clock, and time alone changes
nothing until it is due. So it must be right as of the earlier of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stream.engine.decision import Entity
from stream.engine.offers import Live, live_offer
from stream.engine.origin import winner_of
from stream.engine.payment import Payment
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Erased, Origin, Told
from stream.engine.tally import Tally, tally


class Fault(StrEnum):
    """What can be wrong with an entity."""

    UNREADABLE = "unreadable"  # no entity at all
    GRANTED = "granted"  # points granted, posted against tallied
    EXPIRED = "expired"
    PAID = "paid"
    BALANCE = "balance"
    OUTCOMES = "outcomes"  # input records accounted for
    OFFER = "offer"  # points of the live offer as told against as true, 0 for none
    STRAND = "strand"  # an origin's part in an account which is not its own
    GENERATION = "generation"  # the strand's binding against the origin's
    EVIDENCE = "evidence"  # the origin is bound to another union than its evidence says
    REFUND = "refund"  # fen; an amount below zero, or a net amount above the total
    WAITING = "waiting"  # facts which wait for a payment that is there


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of one entity; numbers where there are numbers."""

    key: str
    fault: Fault
    found: int
    expected: int


def settled_until(clock_ms: int, due_ms: int | None) -> int:
    """The instant as of which an entity must be right."""
    return clock_ms if due_ms is None else min(clock_ms, due_ms - 1)


def account_of(entity: Entity) -> Account | None:
    """The account in an entity, if it has one."""
    if isinstance(entity, Origin):
        return entity.account
    return entity if isinstance(entity, Account) else None


def origins_of(entity: Entity) -> list[str]:
    """The keys of the origins which :func:`violations` asks for."""
    if not isinstance(entity, Account):
        return []
    return [origin for origin in sorted(entity.strands) if origin]


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
        yield from _of_strands(key, entity, origins)
    account = account_of(entity)
    if account is not None:
        result = tally(account, book, as_of)
        yield from _of_posted(key, account, result)
        yield from _of_offer(key, account, result, book, as_of)


def _of_posted(key: str, account: Account, result: Tally) -> Iterator[Violation]:
    posted = account.posted
    due = {result.enrolment.member_id: result.payable} if result.enrolment else {}
    for fault, found, expected in (
        (Fault.GRANTED, posted.granted, result.granted),
        (Fault.EXPIRED, posted.expired, result.expired),
        (Fault.PAID, posted.paid, due),
        (Fault.OUTCOMES, posted.outcomes, result.outcomes),
    ):
        if _nonzero(found) != _nonzero(expected):
            yield Violation(key, fault, sum(found.values()), sum(expected.values()))
    balance = result.payable - sum(due.values())
    if posted.balance != balance:
        yield Violation(key, Fault.BALANCE, posted.balance, balance)


def _nonzero(points: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in points.items() if number}


def _of_offer(
    key: str, account: Account, result: Tally, book: RuleBook, as_of: int
) -> Iterator[Violation]:
    told = account.told
    found = told.points if told is not None and told.live else 0
    offer = "member" if result.enrolment else live_offer(key, result, book, as_of)
    if isinstance(offer, str):
        if told is not None and told.live:
            yield Violation(key, Fault.OFFER, found, 0)
    elif told is None or not _is_told(told, offer, book, as_of):
        yield Violation(key, Fault.OFFER, found, offer.points)


def _is_told(told: Told, live: Live, book: RuleBook, as_of: int) -> bool:
    """A fall is told at once; what is new, or more, may wait for the cool-down."""
    rules = book.at(as_of)
    cooldown_ms = rules.offers.cooldown_ms if rules and rules.offers else 0
    quiet = as_of < told.told_at + cooldown_ms
    if not told.live:
        return quiet
    promised_too_much = (
        told.points > live.points
        or len(told.benefits) > len(live.benefits)
        or told.valid_until > live.valid_until
        or told.valid_until <= as_of
    )
    same = told.points == live.points and told.benefits == live.benefits
    return not promised_too_much and (same or quiet)


def _of_strands(key: str, account: Account, origins: Mapping[str, Origin]) -> Iterator[Violation]:
    for name, strand in sorted(account.strands.items()):
        if not name:
            continue
        origin = origins.get(name)
        if origin is None or origin.bound != key:
            yield Violation(key, Fault.STRAND, 1, 0)
            continue
        # Only the very first binding may bring nothing along, of an origin without an account.
        first = 1 + (origin.erased.at if origin.erased else 0)
        joined = max(strand.attached, default=min(origin.generation, first))
        if joined != origin.generation:
            yield Violation(key, Fault.GENERATION, joined, origin.generation)


def _of_origin(key: str, origin: Origin) -> Iterator[Violation]:
    winner = winner_of(origin)
    if origin.bound != winner:
        yield Violation(key, Fault.EVIDENCE, int(bool(origin.bound)), int(bool(winner)))
    if origin.account is None:
        return
    foreign = sum(name != key for name in origin.account.strands)
    if foreign or origin.bound:
        yield Violation(key, Fault.STRAND, foreign or len(origin.account.strands), 0)


def _of_payment(key: str, payment: Payment) -> Iterator[Violation]:
    for refund in sorted(payment.refunds.values()):
        if min(refund) < 0:
            yield Violation(key, Fault.REFUND, min(refund), 0)
    if payment.fact is None:
        return
    if payment.waiting:
        yield Violation(key, Fault.WAITING, len(payment.waiting), 0)
    net = payment.net("verify").fact.fields
    for field in ("total_fen", "payer_total_fen"):
        total, left = int(payment.fact.fields[field]), int(net[field])
        if not 0 <= left <= total:
            yield Violation(key, Fault.REFUND, left, total)
