# SPDX-License-Identifier: Apache-2.0
"""Apply one message to one entity and return the decision: the engine's only entry point.

Pure: no I/O, no clock, no randomness, no async. The caller loads the state, commits the decision
and publishes its outputs, all in one atomic step per partition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from stream.engine.identity import origin_binding as origins
from stream.engine.identity import payment as payments
from stream.engine.model.control_group import control_at
from stream.engine.model.decision import Cause, Decision, Entity, Send
from stream.engine.model.erased import merged
from stream.engine.model.messages import (
    Alias,
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    PaymentReported,
    RefundReported,
    Refuse,
    Tick,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment, lifetime_ms
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Erased, Origin
from stream.engine.points import account_messages as accounts
from stream.engine.points.ledger import Ledger
from stream.engine.points.settlement import settle


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
    same (``stream.engine.points.settlement.post`` catches up). Raises ``KeyError`` for a message
    that is never sent to such an entity.
    """
    kind = key.partition(".")[0]
    if isinstance(message, Refuse):
        return Decision(state, changed=False, counts={Outcome.REFUSED: 1})
    handler = _HANDLERS[kind, type(message)]
    if state is None:
        state = _new(kind, erased)
    control = control_at(book, as_of)
    if isinstance(message, FactReceived):
        fact = message.fact
        cause = Cause(key, fact.event_id, as_of, deferred, control, fact.touchpoint, fact.time)
    else:
        cause = Cause(key, _cause(message, as_of), as_of, deferred, control)
    return handler(state, message, book, cause)


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
        case PaymentReported():
            return message.fact.event_id
        case RefundReported(event_id=event_id) | Unbind(event_id=event_id):
            return event_id
        case Alias(origin=origin, since=since):
            return f"alias:{origin}:{since}"
        case TransferIn(origin=origin, generation=generation):
            return f"attach:{origin}:{generation}"
        case TransferOut(origin=origin, generation=generation):
            return f"detach:{origin}:{generation}"
        case Erase(at=at):
            return f"erase:{at}"
        case _:
            return f"tick:{as_of}"


def _to_profile(account: Account, message: FactReceived, book: RuleBook, cause: Cause) -> Decision:
    transfer = account.transfers.get(message.origin)
    if transfer and transfer.left > message.generation:  # the sender did not know that it left
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    if not message.forwarded and transfer and transfer.came > message.generation:  # and came back
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    if _may_be_from_before(account, message):
        return Decision(account, changed=False, outputs=(Send(message.origin, message),))
    return accounts.arrive(account, message, book, cause)


def _may_be_from_before(account: Account, message: FactReceived) -> bool:
    """An erased profile does not know which origins it had; the origin itself does."""
    erased, origin = account.erased, message.origin
    if erased is None or not origin or message.forwarded or origin in account.facts_by_origin:
        return False
    return message.generation <= erased.at  # bindings since then have higher numbers


def _tick_profile(account: Account, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    return settle(account, book, Ledger(account, cause), 0)


def _tick_origin(origin: Origin, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    return origins.tick(origin, book, cause)


def _mark(known: Erased, message: ErasureMark, book: RuleBook, cause: Cause) -> Decision:
    """An idle consumer's mark may be forgotten, too, once all that could come is too late."""
    erased = merged(known, message.at, message.asked)
    if erased != known:
        erased = msgspec.structs.replace(erased, since=cause.as_of)
    ttl_s = None if erased.asked else lifetime_ms(book) // 1000
    return Decision(erased, changed=erased != known, ttl_s=ttl_s)


_Handler = Callable[[Any, Any, RuleBook, Cause], Decision]
_HANDLERS: dict[tuple[str, type], _Handler] = {
    ("union", FactReceived): _to_profile,
    ("union", TransferIn): accounts.attach,
    ("union", TransferOut): accounts.detach,
    ("union", Erase): accounts.erase,
    ("union", Disown): accounts.disown,
    ("union", Tick): _tick_profile,
    ("origin", FactReceived): origins.arrive,
    ("origin", TransferIn): origins.attach,
    ("origin", Unbind): origins.unbind,
    ("origin", Alias): origins.meet,
    ("origin", Erase): origins.erase,
    ("origin", Disown): origins.disown,
    ("origin", Tick): _tick_origin,
    ("tx", FactReceived): payments.wait,
    ("tx", PaymentReported): payments.pay,
    ("tx", RefundReported): payments.refund,
    ("tx", Erase): payments.forget,
    ("tx", Tick): payments.tick,
    ("erased", ErasureMark): _mark,
}
