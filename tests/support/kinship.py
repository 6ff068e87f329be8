"""Who is who, in the naive model: claims, vetoes and kin of a whole set of events at once.

Kin are origins of one person: an openid which has changed, or one payment under two openids.
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

    kinship: bool
    age: int  # minus the epoch of the app's account
    time: int
    id: str
    type: str
    union: str


@dataclass
class Families:
    """Everything said about who origins are."""

    claims: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    vetoed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    kin: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def relate(self, one: str, other: str, profile: str, time: int, id_: str, type_: str) -> None:
        self.kin[one].add(other)
        self.kin[other].add(one)
        self.claims[one].append(Claim(True, 0, time, id_, type_, profile))

    def relate_payers(self, reports: Iterable[tuple[str, int]], key: str) -> None:
        """``reports`` of one payment: payer and time."""
        payers = sorted(set(reports))
        for n, (one, time) in enumerate(payers):
            for other, at in payers[n + 1 :]:
                if other != one:
                    self.relate(one, other, _profile(one), min(time, at), key, PAID)

    def family(self, origin: str) -> set[str]:
        found, todo = {origin}, [origin]
        while todo:
            for one in self.kin[todo.pop()] - found:
                found.add(one)
                todo.append(one)
        return found

    def binds(self) -> dict[str, str]:
        found = {}
        for origin in {*self.claims, *self.kin}:
            if union := self._union(origin):
                found[origin] = union
        return found

    def _union(self, origin: str) -> str:
        family = self.family(origin)
        vetoed = set().union(*(self.vetoed[one] for one in family))
        own = [c for c in self.claims[origin] if not c.kinship and c.union not in vetoed]
        if own:
            return min(own).union
        shared = [claim for one in family for claim in self.claims[one]]
        if any(claim.kinship and claim.union in vetoed for claim in shared):
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
