# SPDX-License-Identifier: Apache-2.0
"""Bind an origin to the Union ID with the earliest evidence, in whatever order it came.

The origin's owner decides. Unbound, the origin has an account of its own; bound, it hands that
account to the profile as a message and forwards what still reaches it (one entity per step).
"""

from __future__ import annotations

import msgspec

from schemas import format_ms, identity
from stream.engine.identity import aliases
from stream.engine.model.decision import Cause, Channel, Decision, Publish, Send
from stream.engine.model.erased import forget_messages, forgets, merged
from stream.engine.model.ids import digest, origin_parts
from stream.engine.model.limits import CLAIMS_PER_ORIGIN_MAX, UNBINDS_PER_ORIGIN_MAX
from stream.engine.model.messages import (
    Alias,
    Disown,
    Erase,
    FactReceived,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import (
    Account,
    Erased,
    Evidence,
    Origin,
    OriginFacts,
    Posted,
    TransferState,
)
from stream.engine.points import account_messages as accounts
from stream.engine.points.ledger import Ledger
from stream.engine.points.settlement import settle


def arrive(origin: Origin, message: FactReceived, book: RuleBook, cause: Cause) -> Decision:
    """A fact of this origin, perhaps with the claim that it is a certain Union ID."""
    if forgets(origin.erased, message.fact.time):
        return accounts.refuse(origin, message, cause)
    if _is_one_too_many(origin, message.claim):
        refused = {Outcome.REFUSED: 1} if message.counted else {}
        return Decision(origin, changed=False, counts=refused)
    before = origin.generation, origin.evidence.get(message.claim)
    # Higher only if what led to it was erased from the log since: the numbers go on from there.
    origin.generation = max(origin.generation, message.generation)
    learnt = _learn(origin, message, cause) if message.claim else []
    proof = origin.evidence.get(message.claim)
    if proof is not None and proof != before[1]:
        learnt += _sends(aliases.share(origin, cause.key, {message.claim: proof}, []))
    if origin.bound:
        changed = before != (origin.generation, origin.evidence.get(message.claim))
        onward = msgspec.structs.replace(
            message, origin=cause.key, claim="", generation=origin.generation, forwarded=True
        )
        return Decision(origin, changed=changed, outputs=(*learnt, Send(origin.bound, onward)))
    if message.origin != cause.key:
        message = msgspec.structs.replace(message, origin=cause.key)
    account = _account(origin, cause)
    return _of_origin(origin, accounts.arrive(account, message, book, cause))


def attach(origin: Origin, message: TransferIn, book: RuleBook, cause: Cause) -> Decision:
    """An origin's facts on their way: to the profile that the origin is bound to, or back home."""
    account = _account(origin, cause)
    return _of_origin(origin, accounts.attach(account, message, book, cause))


def unbind(origin: Origin, message: Unbind, book: RuleBook, cause: Cause) -> Decision:
    """Undo a wrong bind for good; the next best evidence, if there is any, takes its place."""
    number = int(message.counted)
    if message.counted and forgets(origin.erased, message.time):
        return Decision(origin, changed=False, counts={Outcome.REFUSED: number})
    if message.union in origin.vetoed:
        return Decision(origin, changed=False, counts={Outcome.DUPLICATE: number})
    if message.counted and len(origin.vetoed) >= UNBINDS_PER_ORIGIN_MAX:
        return Decision(origin, changed=False, counts={Outcome.REFUSED: number})
    origin.vetoed = sorted([*origin.vetoed, message.union])
    counts = {Outcome.APPLIED: number}
    shared = _sends(aliases.share(origin, cause.key, {}, [message.union]))
    return msgspec.structs.replace(_reconsider(origin, shared, book, cause), counts=counts)


def meet(origin: Origin, message: Alias, book: RuleBook, cause: Cause) -> Decision:
    """Another origin is the same person: what either knows of who that is, both know."""
    if origin.erased is not None and forgets(origin.erased, message.since):
        # They were one person already when that person was erased.
        return Decision(
            origin, changed=False, outputs=tuple(forget_messages(message.origin, origin.erased))
        )
    news = aliases.learn(origin, message)
    if news is None:
        return Decision(origin, changed=False)
    shared = aliases.share(origin, cause.key, news.shared, news.denied, message.origin)
    shared += aliases.answer(origin, cause.key, message, news)
    decision = _reconsider(origin, _sends(shared), book, cause)
    conflicts = [
        _conflict(origin, union, cause)
        for union in news.unknown
        if aliases.contradicts(origin, union)
    ]
    return msgspec.structs.replace(decision, outputs=(*decision.outputs, *conflicts))


def _reconsider(origin: Origin, shared: list[Send], book: RuleBook, cause: Cause) -> Decision:
    """Bind again if what has become known changes who the origin is; ``shared`` goes to aliases."""
    before, winner = origin.bound, winner_of(origin)
    outputs: list[Send | Publish] = [*shared]
    if winner != before:
        bound = _bind(origin, winner, cause)
        if before and (not winner or before in aliases.vetoes(origin)):
            outputs.append(_unbound(origin, before, cause))
        outputs += bound
    settled = tick(origin, book, cause)
    return msgspec.structs.replace(settled, outputs=(*outputs, *settled.outputs))


def _sends(messages: list[tuple[str, Alias]]) -> list[Send]:
    return [Send(alias, message) for alias, message in messages]


def _is_one_too_many(origin: Origin, claim: str) -> bool:
    """Whether the origin was claimed for so many that a further claim says nothing."""
    if not claim or claim in origin.evidence:
        return False
    return len(origin.evidence) >= CLAIMS_PER_ORIGIN_MAX


def erase(origin: Origin, message: Erase, book: RuleBook, cause: Cause) -> Decision:
    """Forget; if the origin was known to be a certain Union ID by then, that one forgets, too."""
    known = origin.erased
    erased = merged(known, message.at, message.asked)
    if message.by:
        return Decision(origin, changed=False, outputs=_answer(origin, message, erased, cause))
    origin.erased = erased
    if erased == known:
        return Decision(origin, changed=False)
    outputs: list[Send | Publish] = []
    origin.evidence = {u: e for u, e in origin.evidence.items() if e.time > erased.at}
    origin.vetoed, origin.denied, origin.transfer = [], [], TransferState()
    for alias in aliases.forget(origin, erased.at):
        outputs += forget_messages(alias, erased)
    before = origin.bound
    if before and before not in origin.evidence and before not in origin.shared:
        outputs += forget_messages(before, erased)
        origin.generation = max(origin.generation, erased.at - 1)
        outputs += _bind(origin, winner_of(origin), cause, forget=True)
    elif not before:
        origin.generation = max(origin.generation, erased.at)
    if origin.account is None:
        return _unless_over(Decision(origin, outputs=tuple(outputs)))
    decision = accounts.erase(origin.account, message, book, cause)
    return _of_origin(origin, msgspec.structs.replace(decision, changed=True))


def _answer(
    origin: Origin, message: Erase, erased: Erased, cause: Cause
) -> tuple[Send | Publish, ...]:
    """To a profile that takes it for its own, perhaps by a message which came late or again."""
    if origin.bound != message.by:
        detach = TransferOut(cause.key, max(origin.generation, message.at), cause.key, forget=True)
        return (Send(message.by, detach),)
    return () if erased == origin.erased else tuple(forget_messages(cause.key, erased))


def disown(origin: Origin, message: Disown, book: RuleBook, cause: Cause) -> Decision:
    """Forget that it was ever said to be, or not to be, a person who is erased."""
    person, at = message.person, message.at
    known = [d for d in (origin.evidence, origin.shared) if person in d and d[person].time <= at]
    related = origin.aliases.get(person, at + 1) <= at
    stale = bool(known) or related
    transfers = [origin.transfer, *(origin.account.transfers.values() if origin.account else ())]
    led = [transfer for transfer in transfers if transfer.successor == message.person]
    if origin.bound == message.person or not (stale or led or person in aliases.vetoes(origin)):
        return Decision(origin, changed=False)
    for transfer in led:
        transfer.successor = origin.bound  # where its facts went on to
    for evidence in known:
        del evidence[person]
    if related:
        del origin.aliases[person]
    origin.vetoed = [union for union in origin.vetoed if union != person]
    origin.denied = [union for union in origin.denied if union != person]
    return tick(origin, book, cause)


def tick(origin: Origin, book: RuleBook, cause: Cause) -> Decision:
    """Time passes for the account, if the origin still has one."""
    if origin.account is None:
        return Decision(origin)
    ledger = Ledger(origin.account, cause)
    return _of_origin(origin, settle(origin.account, book, ledger, 0))


def _account(origin: Origin, cause: Cause) -> Account:
    """The account it has, or a new one which numbers what it says from there on."""
    entries, offers, traits = origin.numbered
    transfers = {cause.key: msgspec.structs.replace(origin.transfer)}
    return origin.account or Account(
        entries=entries, offers=offers, traits=traits, transfers=transfers, erased=origin.erased
    )


def _of_origin(origin: Origin, decision: Decision) -> Decision:
    """An account's decision as that of the origin which has the account."""
    if decision.changed:
        assert decision.state is None or isinstance(decision.state, Account)
        origin.account = decision.state
    return _unless_over(msgspec.structs.replace(decision, state=origin))


def _unless_over(decision: Decision) -> Decision:
    """An erased origin of which nothing is left is not kept."""
    origin = decision.state
    assert isinstance(origin, Origin)
    known = origin.evidence or origin.shared or origin.aliases or aliases.vetoes(origin)
    if origin.erased is None or known or origin.account or not decision.changed:
        return decision
    return msgspec.structs.replace(decision, state=None, due=None)


def _learn(origin: Origin, message: FactReceived, cause: Cause) -> list[Send | Publish]:
    """Take in a claim: bind, change the binding, or report a conflict."""
    fact, claim = message.fact, message.claim
    evidence = Evidence(fact.time, fact.event_id, fact.type, message.epoch)
    known = origin.evidence.get(claim)
    if claim in aliases.vetoes(origin) or aliases.holds(known, evidence):
        return []
    origin.evidence[claim] = evidence
    before = origin.bound
    winner = winner_of(origin)
    outputs = _bind(origin, winner, cause) if winner != before else []
    refused = claim if claim != winner else before
    if known is None and refused and aliases.contradicts(origin, refused):
        outputs.append(_conflict(origin, refused, cause))
    return outputs


def winner_of(origin: Origin) -> str:
    """The union with the earliest evidence, those apart which were vetoed; "" for none.

    Of an app which has moved, evidence from the account it is in now comes first; what the origin
    proves itself comes before what its aliases do.
    """
    vetoed = aliases.vetoes(origin)
    unions = [union for union in origin.evidence if union not in vetoed]
    if not unions:
        return aliases.followed(origin) if origin.shared else ""
    return min(unions, key=lambda union: (origin.evidence[union].precedence, union))


def _bind(origin: Origin, union: str, cause: Cause, forget: bool = False) -> list[Send | Publish]:
    before, origin.bound = origin.bound, union
    origin.generation += 1
    outputs: list[Send | Publish] = [_bound(origin, cause)] if union else []
    if before:
        successor = union or cause.key
        outputs.append(Send(before, TransferOut(cause.key, origin.generation, successor, forget)))
        return outputs
    transfers = _account(origin, cause).transfers
    joined = transfers.get(cause.key, origin.transfer).joined
    origin.transfer = TransferState(origin.generation, union, joined)
    if origin.account is not None:
        outputs += accounts.leave(origin.account, union, origin.generation, cause)
        left = origin.account
        origin.numbered = (left.entries, left.offers, left.traits)
        origin.account = None
    elif origin.generation > 1 + (origin.erased.at if origin.erased else 0):
        # Its facts are on their way home; this message tells the successor before they follow.
        nothing = TransferIn(cause.key, origin.generation, OriginFacts(), Posted(), cause.key)
        outputs.append(Send(union, nothing))
    return outputs


def _bound(origin: Origin, cause: Cause) -> Publish:
    appid, openid = origin_parts(cause.key)
    body = {
        "appid": appid,
        "openid": openid,
        "consumer_id": origin.bound,
        "evidence": _evidence(origin, origin.bound),
        "generation": origin.generation,
    }
    id_ = digest("bound", cause.key, origin.generation, origin.bound)
    return Publish(Channel.IDENTITY, identity.ORIGIN_BOUND, id_, cause.key, cause.as_of, body)


def _unbound(origin: Origin, union: str, cause: Cause) -> Publish:
    appid, openid = origin_parts(cause.key)
    body = {
        "appid": appid,
        "openid": openid,
        "consumer_id": union,
        "generation": origin.generation,
        "as_of": format_ms(cause.as_of),
    }
    id_ = digest("unbound", cause.key, origin.generation, union)
    return Publish(Channel.IDENTITY, identity.ORIGIN_UNBOUND, id_, cause.key, cause.as_of, body)


def _conflict(origin: Origin, refused: str, cause: Cause) -> Publish:
    appid, openid = origin_parts(cause.key)
    body = {
        "appid": appid,
        "openid": openid,
        "kept": {"consumer_id": origin.bound, "evidence": _evidence(origin, origin.bound)},
        "refused": {"consumer_id": refused, "evidence": _evidence(origin, refused)},
        "as_of": format_ms(cause.as_of),
    }
    # What aliases say may come to win and to lose again: then it is another conflict.
    by_aliases = () if refused in origin.evidence else ("aliases", origin.generation)
    id_ = digest("conflict", cause.key, origin.bound, refused, *by_aliases)
    return Publish(Channel.IDENTITY, identity.ORIGIN_CONFLICTED, id_, cause.key, cause.as_of, body)


def _evidence(origin: Origin, union: str) -> dict[str, str]:
    evidence = aliases.proof(origin, union)
    return {"event_id": evidence.event_id, "type": evidence.type, "time": format_ms(evidence.time)}
