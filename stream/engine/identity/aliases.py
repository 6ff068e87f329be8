# SPDX-License-Identifier: Apache-2.0
"""Aliases: origins known to be one person, by a changed openid or a payment under two openids.

Aliases that meet send one another all that they know of who they are, and from then on what is new.
What an origin can prove itself comes first, then what its aliases can prove; without any proof
they share a profile of their own. What is known is the least of what was ever said, and bounded, so
it ends up the same in whatever order it spreads, and what changes nothing is not sent on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas import pay, wechat_identity
from stream.engine.model.ids import origin_parts, union_key
from stream.engine.model.limits import (
    ALIASES_PER_ORIGIN_MAX,
    CLAIMS_PER_ORIGIN_MAX,
    UNBINDS_PER_ORIGIN_MAX,
)
from stream.engine.model.messages import Alias
from stream.engine.model.state import Evidence, Origin

#: Evidence that two origins are one person, and for no Union ID.
_OF_ALIASES = frozenset({wechat_identity.OPENID_CHANGED, pay.PAYMENT_SUCCEEDED})


def profile_of(origin: str) -> str:
    """The profile which aliases share: named by the app and the openid of one of them.

    No Open Platform account has the name of an app (``stream.brand.apps_schema``).
    """
    return union_key(*origin_parts(origin))


class News(NamedTuple):
    """What an origin did not know: evidence, what its aliases are not, and whether they met."""

    shared: dict[str, Evidence]
    denied: list[str]
    unknown: list[str]  # unions never claimed before
    met: bool


def introduce(other: str, profile: str, evidence: Evidence) -> Alias:
    """The message that makes an origin and ``other`` aliases, by this evidence."""
    return Alias(other, evidence.time, {profile: evidence}, introduced=True)


def followed(origin: Origin) -> str:
    """The union an origin is by what its aliases know; "" for none.

    Where the profile which they share was vetoed they were said not to be aliases at all.
    """
    shared, vetoed = origin.shared, vetoes(origin)
    if any(union in shared and _is_alias(shared[union]) for union in vetoed):
        return ""
    claims, profiles = _ranked(shared)
    return next((union for union in (*claims, *profiles) if union not in vetoed), "")


def holds(known: Evidence | None, evidence: Evidence) -> bool:
    """Whether further evidence for the same adds nothing to what is known."""
    return known is not None and known.precedence <= evidence.precedence


def vetoes(origin: Origin) -> list[str]:
    """What the origin is not, by request: nor are its aliases."""
    return [*origin.vetoed, *origin.denied] if origin.denied else origin.vetoed


def proof(origin: Origin, union: str) -> Evidence:
    """Why an origin is, or was taken for, a union."""
    return origin.evidence.get(union) or origin.shared[union]


def contradicts(origin: Origin, union: str) -> bool:
    """Whether another Union ID in the same account is proven than the origin is bound to."""
    if not origin.bound or union == origin.bound or union in vetoes(origin):
        return False
    one, other = proof(origin, origin.bound), proof(origin, union)
    alias = _is_alias(one) or _is_alias(other)
    return not alias and one.epoch == other.epoch and _account(union) == _account(origin.bound)


def learn(origin: Origin, message: Alias) -> News | None:
    """Take in what aliases know; ``None`` if nothing is new."""
    met = message.origin not in origin.aliases
    if met and len(origin.aliases) >= ALIASES_PER_ORIGIN_MAX:
        return None
    floor = origin.erased.at if origin.erased else 0
    since = min(message.since, origin.aliases.get(message.origin, message.since))
    said = {
        union: evidence
        for union, evidence in message.shared.items()
        if evidence.time > floor and not holds(origin.shared.get(union), evidence)
    }
    shared = _least(origin.shared | said)
    news = {union: evidence for union, evidence in said.items() if union in shared}
    denied = sorted({*origin.denied, *message.vetoed})[:UNBINDS_PER_ORIGIN_MAX]
    unknown = sorted(news.keys() - origin.shared.keys() - origin.evidence.keys())
    news_of = News(news, sorted({*denied} - {*origin.denied}), unknown, met)
    if not (news or news_of.denied or origin.aliases.get(message.origin) != since):
        return None
    origin.shared, origin.denied = shared, denied
    origin.aliases = origin.aliases | {message.origin: since}
    return news_of


def share(
    origin: Origin, key: str, shared: dict[str, Evidence], vetoed: list[str], sender: str = ""
) -> list[tuple[str, Alias]]:
    """What is new, for all aliases but the one that sent it: to whom, and the message."""
    if not (shared or vetoed):
        return []
    aliases = sorted((k, since) for k, since in origin.aliases.items() if k != sender)
    return [(k, Alias(key, since, shared, vetoed)) for k, since in aliases]


def answer(origin: Origin, key: str, message: Alias, news: News) -> list[tuple[str, Alias]]:
    """What the sender does not know: when they meet, everything but what it has just said."""
    known: Mapping[str, Evidence] = _known(origin) if news.met else news.shared
    if message.introduced:
        vetoed = sorted({*vetoes(origin)}) if news.met else []
    else:
        said = message.shared
        known = {u: e for u, e in known.items() if news.met and not holds(said.get(u), e)}
        vetoed = sorted({*vetoes(origin)} - {*message.vetoed}) if news.met else []
        if not (known or vetoed):
            return []
    return [(message.origin, Alias(key, origin.aliases[message.origin], dict(known), vetoed))]


def forget(origin: Origin, at: int) -> list[str]:
    """Drop what aliases have known since ``at`` (ms) or before.

    Answers who were aliases by then.
    """
    known = [alias for alias, since in sorted(origin.aliases.items()) if since <= at]
    origin.aliases = {alias: since for alias, since in origin.aliases.items() if since > at}
    origin.shared = {union: e for union, e in origin.shared.items() if e.time > at}
    return known


def _known(origin: Origin) -> dict[str, Evidence]:
    """Everything that is known here of who the origin and its aliases are."""
    known = dict(origin.shared)
    for union, evidence in origin.evidence.items():
        if not holds(known.get(union), evidence):
            known[union] = evidence
    return known


def _least(shared: dict[str, Evidence]) -> dict[str, Evidence]:
    """Of all that was ever said what can matter: the first claims, the first profile of aliases."""
    claims, profiles = _ranked(shared)
    return {union: shared[union] for union in (*claims[:CLAIMS_PER_ORIGIN_MAX], *profiles[:1])}


def _ranked(shared: Mapping[str, Evidence]) -> tuple[list[str], list[str]]:
    """Claims for Union IDs, and profiles of aliases; the first are those which hold."""
    ranked = sorted(shared, key=lambda union: (shared[union].precedence, union))
    profiles = [union for union in ranked if _is_alias(shared[union])]
    return [union for union in ranked if not _is_alias(shared[union])], profiles


def _is_alias(evidence: Evidence) -> bool:
    return evidence.type in _OF_ALIASES


def _account(union: str) -> str:
    return union.split(".")[1]
