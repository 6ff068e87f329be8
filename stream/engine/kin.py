"""Origins which are one person: an openid that has changed, one payment under two openids.

Kin tell one another all they know of who they are. What an origin can prove itself comes first,
then what its kin can prove; while nobody can prove anything they share a profile of their own.
Knowledge only grows, so it ends up the same in whatever order it spreads.
"""

from __future__ import annotations

from schemas import answers, pay
from stream.engine.ids import origin_parts, union_key
from stream.engine.messages import Kin
from stream.engine.state import Evidence, Origin

#: Evidence that two origins are one person, and for no Union ID.
_OF_KINSHIP = frozenset({answers.OPENID_CHANGED, pay.PAYMENT_SUCCEEDED})


def profile_of(origin: str) -> str:
    """The profile which kin share: named by the app and the openid of one of them.

    No Open Platform account has the name of an app (``stream.rules.apps_file``).
    """
    return union_key(*origin_parts(origin))


def introduce(other: str, profile: str, evidence: Evidence) -> Kin:
    """To an origin, which tells ``other``: they are the same person, by this evidence."""
    return Kin(other, evidence.time, {profile: evidence})


def followed(origin: Origin) -> str:
    """The union an origin is by what its kin know; "" for none.

    Where one of their shared profiles was vetoed they were said not to be kin at all.
    """
    shared, vetoed = origin.shared, vetoes(origin)
    if any(union in shared and _is_of_kinship(shared[union]) for union in vetoed):
        return ""
    return min(
        (union for union in shared if union not in vetoed),
        key=lambda union: (_is_of_kinship(shared[union]), shared[union].precedence, union),
        default="",
    )


def holds(known: Evidence | None, evidence: Evidence) -> bool:
    """Whether further evidence for the same adds nothing to what is known."""
    return known is not None and known.precedence <= evidence.precedence


def vetoes(origin: Origin) -> list[str]:
    """What the origin is not, by request: nor are its kin."""
    return [*origin.vetoed, *origin.denied] if origin.denied else origin.vetoed


def proof(origin: Origin, union: str) -> Evidence:
    """Why an origin is, or was taken for, a union."""
    return origin.evidence.get(union) or origin.shared[union]


def contradicts(origin: Origin, union: str) -> bool:
    """Whether another Union ID in the same account is proven than the origin is bound to."""
    if not origin.bound or union == origin.bound or union in vetoes(origin):
        return False
    one, other = proof(origin, origin.bound), proof(origin, union)
    kinship = _is_of_kinship(one) or _is_of_kinship(other)
    return not kinship and one.epoch == other.epoch and _account(union) == _account(origin.bound)


def learn(origin: Origin, message: Kin) -> list[str] | None:
    """Take in what kin know; the unions never heard of before, or ``None`` if nothing is new."""
    floor = origin.erased.at if origin.erased else 0
    since = min(message.since, origin.kin.get(message.origin, message.since))
    news = {
        union: evidence
        for union, evidence in message.shared.items()
        if evidence.time > floor and not holds(origin.shared.get(union), evidence)
    }
    denied = sorted({*origin.denied, *message.vetoed})
    if not news and denied == origin.denied and origin.kin.get(message.origin) == since:
        return None
    unheard = sorted(news.keys() - origin.shared.keys() - origin.evidence.keys())
    origin.shared = origin.shared | news
    origin.kin = origin.kin | {message.origin: since}
    origin.denied = denied
    return unheard


def tell(origin: Origin, key: str) -> list[tuple[str, Kin]]:
    """Everything that is known here, to all kin: who is told, and what."""
    shared = dict(origin.shared)
    for union, evidence in origin.evidence.items():
        if not holds(shared.get(union), evidence):
            shared[union] = evidence
    vetoed = sorted({*vetoes(origin)})
    return [(k, Kin(key, since, shared, vetoed)) for k, since in sorted(origin.kin.items())]


def forget(origin: Origin, at: int) -> list[str]:
    """Drop what kin have known since ``at`` (ms) or before; answers who were kin by then."""
    known = [kin for kin, since in sorted(origin.kin.items()) if since <= at]
    origin.kin = {kin: since for kin, since in origin.kin.items() if since > at}
    origin.shared = {union: e for union, e in origin.shared.items() if e.time > at}
    return known


def _is_of_kinship(evidence: Evidence) -> bool:
    return evidence.type in _OF_KINSHIP


def _account(union: str) -> str:
    return union.split(".")[1]
