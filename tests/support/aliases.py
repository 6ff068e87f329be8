# SPDX-License-Identifier: Apache-2.0
"""Who is who, in the naive model: claims, vetoes and aliases of a whole set of events at once.

Aliases are origins of one person: an openid which has changed, or one payment under two openids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas import Event

PAID = "payment.succeeded.v1"
CHANGED = "openid.changed.v1"


class Claim(NamedTuple):
    """That an origin is a union; of several the least holds."""

    aliases: bool
    age: int  # minus the epoch of the app's account
    time: int
    id: str
    type: str
    union: str


class Report(NamedTuple):
    """A report of a payment."""

    payer: str
    time: int
    amounts: tuple[int, int]
    source: str


@dataclass
class Families:
    """Everything said about who origins are."""

    claims: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    vetoed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    aliases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def relate(self, one: str, other: str, profile: str, time: int, id_: str, type_: str) -> None:
        self.aliases[one].add(other)
        self.aliases[other].add(one)
        self.claims[one].append(Claim(True, 0, time, id_, type_, profile))

    def relate_payers(self, shops: list[Report], malls: list[Report], transaction: str) -> None:
        """Payers of whom a shop and a mall say the same, each for itself."""
        if not transaction.isdecimal() or len(transaction) < 20 or len(set(transaction)) < 4:
            return
        for shop in shops:
            for mall in malls:
                near = abs(shop.time - mall.time) <= 60_000
                same = mall.amounts[0] in shop.amounts and shop.source != mall.source
                if near and same and shop.payer != mall.payer:
                    profile = _profile(min(shop.payer, mall.payer))
                    at = min(shop.time, mall.time)
                    key = f"payment:{transaction}"
                    self.relate(shop.payer, mall.payer, profile, at, key, PAID)

    def family(self, origin: str) -> set[str]:
        found, todo = {origin}, [origin]
        while todo:
            for one in self.aliases[todo.pop()] - found:
                found.add(one)
                todo.append(one)
        return found

    def binds(self) -> dict[str, str]:
        found = {}
        for origin in {*self.claims, *self.aliases}:
            if union := self._union(origin):
                found[origin] = union
        return found

    def _union(self, origin: str) -> str:
        family = self.family(origin)
        vetoed = set().union(*(self.vetoed[one] for one in family))
        own = [c for c in self.claims[origin] if not c.aliases and c.union not in vetoed]
        if own:
            return min(own).union
        shared = [claim for one in family for claim in self.claims[one]]
        profiles = [claim for claim in shared if claim.aliases]
        if profiles and min(profiles).union in vetoed:
            return ""
        allowed = [claim for claim in shared if claim.union not in vetoed]
        return min(allowed).union if allowed else ""


def _profile(origin: str) -> str:
    return origin.replace("origin.", "union.", 1)


def changes(families: Families, events: Iterable[Event]) -> None:
    """Take in what is said about changed openids."""
    for event in events:
        if event.type == CHANGED:
            data: Any = event.data
            origin, former = (f"origin.{a}.{o}" for a, o in (data.origin, data.former))
            about = (event.time_ms, event.id, event.type)
            families.relate(origin, former, _profile(origin), *about)
