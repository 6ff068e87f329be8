"""The core's one top function: a message reaches an entity, and this becomes of it.

Pure: no I/O, no clock, no randomness, no async. The caller loads the state, commits the decision
and publishes its outputs, all in one atomic step per partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stream.engine import account as accounts
from stream.engine import origin as origins
from stream.engine.decision import Decision, Entity, Send
from stream.engine.erasure import merged
from stream.engine.ledger import Cause, Ledger
from stream.engine.messages import (
    Arrived,
    Attach,
    Detach,
    Disown,
    Erase,
    Kin,
    Mark,
    Message,
    Paid,
    Refunded,
    Refuse,
    Tick,
    Unbind,
)
from stream.engine.outcomes import Outcome
from stream.engine.payment import Payment, lifetime_ms
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Erased, Origin


def decide(
    key: str,
    state: Entity | None,
    message: Message,
    book: RuleBook,
    as_of: int,
    erased: Erased | None = None,
    *,
    deferred: bool = False,
) -> Decision:
    """Apply one message to one entity.

    ``key`` is the entity's, ``state`` what is stored under it (the call may change it and hands
    it back), ``as_of`` the partition's clock in ms; where nothing is stored, ``erased`` says what
    must not come back. ``deferred`` leaves an account unposted wherever the state in the end is the
    same (``stream.engine.account.post`` catches up). Raises ``KeyError`` for a message which is
    never sent to such an entity.
    """
    kind = key.partition(".")[0]
    if isinstance(message, Refuse):
        return Decision(state, changed=False, counts={Outcome.REFUSED: 1})
    handler = _HANDLERS[kind, type(message)]
    if state is None:
        state = _new(kind, erased)
    return handler(state, message, book, Cause(key, _cause(message, as_of), as_of, deferred))


def _new(kind: str, erased: Erased | None) -> Entity:
    match kind:
        case "union":
            return Account(erased=erased)
        case "origin":
            # Numbers higher than any binding had before: what is still on its way is out of date.
            return Origin(erased=erased, generation=erased.at if erased else 0)
        case "tx":
            return Payment()
        case _:
            return Erased()


def _cause(message: Message, as_of: int) -> str:
    match message:
        case Arrived() | Paid():
            return message.fact.event_id
        case Refunded(event_id=event_id) | Unbind(event_id=event_id):
            return event_id
        case Kin(origin=origin, since=since):
            return f"kin:{origin}:{since}"
        case Attach(origin=origin, generation=generation):
            return f"attach:{origin}:{generation}"
        case Detach(origin=origin, generation=generation):
            return f"detach:{origin}:{generation}"
        case Erase(at=at):
            return f"erase:{at}"
        case _:
            return f"tick:{as_of}"


def _to_profile(account: Account, message: Arrived, book: RuleBook, cause: Cause) -> Decision:
    passage = account.passages.get(message.origin)
    if passage and passage.left > message.generation:  # the sender had not heard that it left
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    if not message.forwarded and passage and passage.came > message.generation:  # and came back
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    if _may_be_from_before(account, message):
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    return accounts.arrive(account, message, book, cause)


def _may_be_from_before(account: Account, message: Arrived) -> bool:
    """An erased profile does not know which origins it had; the origin itself does."""
    erased, origin = account.erased, message.origin
    if erased is None or not origin or message.forwarded or origin in account.strands:
        return False
    return message.generation <= erased.at  # bindings since then have higher numbers


def _tick_profile(account: Account, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    return accounts.settle(account, book, Ledger(account, cause), 0)


def _tick_origin(origin: Origin, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    return origins.tick(origin, book, cause)


def _pay(payment: Payment, message: Paid, book: RuleBook, cause: Cause) -> Decision:
    refunds, parked = len(payment.refunds), payment.parked
    if not payment.hear(message):
        return Decision(payment, changed=False)
    outputs = [_to_payer(payment.forward(waiting)) for waiting in payment.waiting]
    outputs += [Send(message.origin, kin) for kin in payment.kin(message)]
    outputs += map(_to_payer, payment.standing(cause.id))
    payment.waiting = []
    counts = {Outcome.PARKED: -parked, Outcome.APPLIED: refunds} if parked else {}
    return _of_payment(payment, book, outputs, counts, cause.as_of)


def _refund(payment: Payment, message: Refunded, book: RuleBook, cause: Cause) -> Decision:
    new, changed = payment.add_refund(
        message.refund_id, message.refund_fen, message.payer_refund_fen
    )
    if not changed:
        return Decision(payment, changed=False, counts={Outcome.DUPLICATE: 1})
    if payment.fact is None:
        counts = {Outcome.PARKED if new else Outcome.DUPLICATE: 1}
        return _of_payment(payment, book, [], counts, cause.as_of)
    net = Send(payment.origin, payment.net(cause.id))
    counts = {Outcome.APPLIED if new else Outcome.DUPLICATE: 1}
    return _of_payment(payment, book, [net], counts, cause.as_of)


def _wait(payment: Payment, message: Arrived, book: RuleBook, cause: Cause) -> Decision:
    """Something that names a consumer only by a payment (an enrolment at the till)."""
    if payment.fact is not None:
        return Decision(payment, changed=False, outputs=(_to_payer(payment.forward(message)),))
    for i, waiting in enumerate(payment.waiting):
        if waiting.fact.key == message.fact.key:
            payment.waiting[i] = min(waiting, message, key=lambda m: (m.fact.time, m.fact.event_id))
            duplicate = {Outcome.DUPLICATE: 1} if message.counted else {}
            return _of_payment(payment, book, [], duplicate, cause.as_of)
    payment.waiting.append(message)
    parked = {Outcome.PARKED: 1} if message.counted else {}
    return _of_payment(payment, book, [], parked, cause.as_of)


def _tick_payment(payment: Payment, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    """The horizon has passed: what still waits is refused, and the payment forgotten."""
    parked = payment.parked
    counts = {Outcome.PARKED: -parked, Outcome.REFUSED: parked} if parked else {}
    return Decision(None, counts=counts)


def _forget_payment(payment: Payment, message: Erase, book: RuleBook, cause: Cause) -> Decision:
    return _tick_payment(payment, Tick(1), book, cause)


def _mark(known: Erased, message: Mark, book: RuleBook, cause: Cause) -> Decision:
    """Whom nobody has seen for too long may be forgotten altogether once all of it is too late."""
    erased = merged(known, message.at, message.asked)
    if erased != known:
        erased = msgspec.structs.replace(erased, since=cause.as_of)
    ttl_s = None if erased.asked else lifetime_ms(book) // 1000
    return Decision(erased, changed=erased != known, ttl_s=ttl_s)


def _to_payer(message: Arrived) -> Send:
    return Send(message.origin, message)


def _of_payment(
    payment: Payment,
    book: RuleBook,
    outputs: list[Send],
    counts: Mapping[Outcome, int],
    as_of: int,
) -> Decision:
    """Kept until the horizon after the payment; what waits for it is looked at then."""
    lifetime = lifetime_ms(book)
    if payment.fact is not None:
        left_s = (payment.fact.time + lifetime - as_of) // 1000
        return Decision(payment, outputs=tuple(outputs), counts=counts, ttl_s=max(left_s, 1))
    if not payment.until:
        payment.until = as_of + lifetime
    return Decision(payment, outputs=tuple(outputs), counts=counts, due=payment.until)


_Handler = Callable[[Any, Any, RuleBook, Cause], Decision]
_HANDLERS: dict[tuple[str, type], _Handler] = {
    ("union", Arrived): _to_profile,
    ("union", Attach): accounts.attach,
    ("union", Detach): accounts.detach,
    ("union", Erase): accounts.erase,
    ("union", Disown): accounts.disown,
    ("union", Tick): _tick_profile,
    ("origin", Arrived): origins.arrive,
    ("origin", Attach): origins.attach,
    ("origin", Unbind): origins.unbind,
    ("origin", Kin): origins.meet,
    ("origin", Erase): origins.erase,
    ("origin", Disown): origins.disown,
    ("origin", Tick): _tick_origin,
    ("tx", Arrived): _wait,
    ("tx", Paid): _pay,
    ("tx", Refunded): _refund,
    ("tx", Erase): _forget_payment,
    ("tx", Tick): _tick_payment,
    ("erased", Mark): _mark,
}
