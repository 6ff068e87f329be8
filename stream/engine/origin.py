"""Who an origin is: it binds to the Union ID with the earliest evidence, whatever came first.

The origin's owner decides. Unbound, the origin has an account of its own; bound, it hands that
account to the profile as a message and forwards what still reaches it (one entity per step).
"""

from __future__ import annotations

import msgspec

from schemas import format_ms
from stream.engine import account as accounts
from stream.engine import kin
from stream.engine.decision import Channel, Decision, Publish, Send
from stream.engine.erasure import forgets, merged, tell
from stream.engine.ids import digest, origin_parts
from stream.engine.ledger import Cause, Ledger
from stream.engine.messages import Arrived, Attach, Detach, Disown, Erase, Kin, Unbind
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Erased, Evidence, Origin, Passage, Posted, Strand


def arrive(origin: Origin, message: Arrived, book: RuleBook, cause: Cause) -> Decision:
    """A fact of this origin, perhaps with the claim that it is a certain Union ID."""
    if forgets(origin.erased, message.fact.time):
        return accounts.refuse(origin, message, cause)
    before = origin.generation, origin.evidence.get(message.claim)
    # Higher only if what led to it was erased from the log since: the numbers go on from there.
    origin.generation = max(origin.generation, message.generation)
    learnt = _learn(origin, message, cause) if message.claim else []
    if before[1] != origin.evidence.get(message.claim):
        learnt += _told(origin, cause)
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


def attach(origin: Origin, message: Attach, book: RuleBook, cause: Cause) -> Decision:
    """A strand on its way: to the profile which the origin is bound to, or back home."""
    account = _account(origin, cause)
    return _of_origin(origin, accounts.attach(account, message, book, cause))


def unbind(origin: Origin, message: Unbind, book: RuleBook, cause: Cause) -> Decision:
    """Undo a wrong bind for good; the next best evidence, if there is any, takes its place."""
    if forgets(origin.erased, message.time):
        return Decision(origin, changed=False, counts={Outcome.REFUSED: 1})
    if message.union in origin.vetoed:
        return Decision(origin, changed=False, counts={Outcome.DUPLICATE: 1})
    origin.vetoed = sorted([*origin.vetoed, message.union])
    counts = {Outcome.APPLIED: 1}
    return msgspec.structs.replace(_reconsider(origin, book, cause), counts=counts)


def meet(origin: Origin, message: Kin, book: RuleBook, cause: Cause) -> Decision:
    """Another origin is the same person: what either knows of who that is, both know."""
    if origin.erased is not None and forgets(origin.erased, message.since):
        # They were one person already when that person was erased.
        return Decision(origin, changed=False, outputs=tuple(tell(message.origin, origin.erased)))
    unheard = kin.learn(origin, message)
    if unheard is None:
        return Decision(origin, changed=False)
    decision = _reconsider(origin, book, cause)
    conflicts = [
        _conflict(origin, union, cause) for union in unheard if kin.contradicts(origin, union)
    ]
    return msgspec.structs.replace(decision, outputs=(*decision.outputs, *conflicts))


def _reconsider(origin: Origin, book: RuleBook, cause: Cause) -> Decision:
    """Something is known which may change who the origin is; its kin should know, too."""
    before, winner = origin.bound, winner_of(origin)
    outputs: list[Send | Publish] = [*_told(origin, cause)]
    if winner != before:
        bound = _bind(origin, winner, cause)
        if before and (not winner or before in kin.vetoes(origin)):
            outputs.append(_unbound(origin, before, cause))
        outputs += bound
    settled = tick(origin, book, cause)
    return msgspec.structs.replace(settled, outputs=(*outputs, *settled.outputs))


def _told(origin: Origin, cause: Cause) -> list[Send]:
    return [Send(relative, message) for relative, message in kin.tell(origin, cause.key)]


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
    origin.vetoed, origin.denied, origin.passage = [], [], Passage()
    for relative in kin.forget(origin, erased.at):
        outputs += tell(relative, erased)
    before = origin.bound
    if before and before not in origin.evidence and before not in origin.shared:
        outputs += tell(before, erased)
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
        detach = Detach(cause.key, max(origin.generation, message.at), cause.key, forget=True)
        return (Send(message.by, detach),)
    return () if erased == origin.erased else tuple(tell(cause.key, erased))


def disown(origin: Origin, message: Disown, book: RuleBook, cause: Cause) -> Decision:
    """Forget that it was ever said to be, or not to be, somebody who is erased."""
    person, at = message.person, message.at
    known = [d for d in (origin.evidence, origin.shared) if person in d and d[person].time <= at]
    related = origin.kin.get(person, at + 1) <= at
    stale = bool(known) or related
    passages = [origin.passage, *(origin.account.passages.values() if origin.account else ())]
    led = [passage for passage in passages if passage.heir == message.person]
    if origin.bound == message.person or not (stale or led or person in kin.vetoes(origin)):
        return Decision(origin, changed=False)
    for passage in led:
        passage.heir = origin.bound  # where its strand went on to
    for evidence in known:
        del evidence[person]
    if related:
        del origin.kin[person]
    origin.vetoed = [union for union in origin.vetoed if union != person]
    origin.denied = [union for union in origin.denied if union != person]
    return tick(origin, book, cause)


def tick(origin: Origin, book: RuleBook, cause: Cause) -> Decision:
    """Time passes for the account, if the origin still has one."""
    if origin.account is None:
        return Decision(origin)
    ledger = Ledger(origin.account, cause)
    return _of_origin(origin, accounts.settle(origin.account, book, ledger, 0))


def _account(origin: Origin, cause: Cause) -> Account:
    """The account it has, or a new one which numbers its entries and offers from there on."""
    entries, offers = origin.numbered
    passages = {cause.key: msgspec.structs.replace(origin.passage)}
    return origin.account or Account(
        entries=entries, offers=offers, passages=passages, erased=origin.erased
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
    known = origin.evidence or origin.shared or origin.kin or kin.vetoes(origin)
    if origin.erased is None or known or origin.account or not decision.changed:
        return decision
    return msgspec.structs.replace(decision, state=None, due=None)


def _learn(origin: Origin, message: Arrived, cause: Cause) -> list[Send | Publish]:
    """Take in a claim: bind, bind anew or report a conflict."""
    fact, claim = message.fact, message.claim
    evidence = Evidence(fact.time, fact.event_id, fact.type, message.epoch)
    known = origin.evidence.get(claim)
    if claim in kin.vetoes(origin) or kin.holds(known, evidence):
        return []
    origin.evidence[claim] = evidence
    before = origin.bound
    winner = winner_of(origin)
    outputs = _bind(origin, winner, cause) if winner != before else []
    refused = claim if claim != winner else before
    if known is None and refused and kin.contradicts(origin, refused):
        outputs.append(_conflict(origin, refused, cause))
    return outputs


def winner_of(origin: Origin) -> str:
    """The union with the earliest evidence, those apart which were vetoed; "" for none.

    Of an app which has moved, evidence from the account it is in now comes first; what the origin
    proves itself comes before what its kin do.
    """
    vetoed = kin.vetoes(origin)
    unions = [union for union in origin.evidence if union not in vetoed]
    if not unions:
        return kin.followed(origin) if origin.shared else ""
    return min(unions, key=lambda union: (origin.evidence[union].precedence, union))


def _bind(origin: Origin, union: str, cause: Cause, forget: bool = False) -> list[Send | Publish]:
    before, origin.bound = origin.bound, union
    origin.generation += 1
    outputs: list[Send | Publish] = [_bound(origin, cause)] if union else []
    if before:
        heir = union or cause.key
        outputs.append(Send(before, Detach(cause.key, origin.generation, heir, forget)))
        return outputs
    passages = _account(origin, cause).passages
    joined = passages.get(cause.key, origin.passage).joined
    origin.passage = Passage(origin.generation, union, joined)
    if origin.account is not None:
        outputs += accounts.leave(origin.account, union, origin.generation, cause)
        origin.numbered = (origin.account.entries, origin.account.offers)
        origin.account = None
    elif origin.generation > 1 + (origin.erased.at if origin.erased else 0):
        # The strand is on its way home; the heir hears of this binding before it comes after.
        nothing = Attach(cause.key, origin.generation, Strand(), Posted(), cause.key)
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
    return Publish(Channel.IDENTITY, "origin.bound.v1", id_, cause.key, cause.as_of, body)


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
    return Publish(Channel.IDENTITY, "origin.unbound.v1", id_, cause.key, cause.as_of, body)


def _conflict(origin: Origin, refused: str, cause: Cause) -> Publish:
    appid, openid = origin_parts(cause.key)
    body = {
        "appid": appid,
        "openid": openid,
        "kept": {"consumer_id": origin.bound, "evidence": _evidence(origin, origin.bound)},
        "refused": {"consumer_id": refused, "evidence": _evidence(origin, refused)},
        "as_of": format_ms(cause.as_of),
    }
    # What kin say may come to win and to lose again: then it is another conflict.
    by_kin = () if refused in origin.evidence else ("kin", origin.generation)
    id_ = digest("conflict", cause.key, origin.bound, refused, *by_kin)
    return Publish(Channel.IDENTITY, "origin.conflicted.v1", id_, cause.key, cause.as_of, body)


def _evidence(origin: Origin, union: str) -> dict[str, str]:
    evidence = kin.proof(origin, union)
    return {"event_id": evidence.event_id, "type": evidence.type, "time": format_ms(evidence.time)}
