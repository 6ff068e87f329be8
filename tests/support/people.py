# SPDX-License-Identifier: Apache-2.0
"""Who is erased, as the naive model sees it: a walk over the events in the order of publication.

Erasing acts on what is known when it happens. So it can be predicted only for requests which find
everything published before them applied, and where no origin is claimed for two unions. What is
then still a matter of chance is not to be published: :meth:`People.allows`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from schemas import Event
from tests.support.books import DAY
from tests.support.model import Floor, Model, Result

ENROLLED = "member.enrolled.v1"
REQUESTED = "erase.requested.v1"
STOPS = ("consent.paused.v1", "consent.withdrawn.v1")
PAID = "payment.succeeded.v1"
_NO_FACTS = ("refund.succeeded.v1", "unbind.requested.v1")
_LOST = "?"  # payer of a payment which may or may not be known still


class People:
    """Everything by key: of an origin, or of a union for what named no origin."""

    def __init__(self, model: Model) -> None:
        self.events: list[Event] = []
        self.floors: dict[str, Floor] = {}
        self.binds: dict[str, str] = {}
        self.unsure: set[str] = set()  # members who may have been paid before they were erased
        self.erasures = 0  # changes with each one; odd while it is under way
        self._model, self._idle_ms = model, model.book.idle_days * DAY
        self._facts: dict[str, dict[str, int]] = defaultdict(dict)
        self._members: dict[str, dict[str, int]] = defaultdict(dict)  # member id -> when enrolled
        self._payers: dict[str, str] = {}  # by transaction
        self._paid_at: dict[str, int] = {}
        self._waiting: dict[str, list[Event]] = defaultdict(list)
        self._on_their_way: set[str] = set()  # payers since the last rest
        self._latest = 0  # time of any event, ms
        self._unsettled: set[str] = set()  # erased since the last rest
        self._kept: Counter[str] = Counter()  # member -> points paid before the erasure

    # what is known -----------------------------------------------------------------------------

    def expected(self, as_of: int) -> Result:
        model = self._model
        return Model(model.book, model.accounts, self.floors).judge(self.events, as_of)

    def paid(self, result: Result) -> Counter[str]:
        """What each member has got in the eyes of the CRM; nobody asks points back."""
        total = Counter(self._kept)
        for (_, member), points in result.payouts.items():
            total[member] += points
        return total

    def gone(self) -> list[str]:
        """The erased of whom nothing has been heard since."""
        bound = {*self.binds, *self.binds.values()}
        return [key for key in self.floors if key not in bound and not self._later(key)]

    def next_end(self) -> int | None:
        """When the next account ends because nobody has been seen for too long, ms."""
        ends = [seen + self._idle_ms for _, seen in self._unclaimed()]
        return min(ends, default=None) if self._idle_ms else None

    def is_news(self, event: Event) -> bool:
        """Whether it is a request which makes somebody forgotten."""
        if event.type != REQUESTED:
            return False
        origin, union = self._subject(event)
        return event.time_ms > self._floor(origin or union).at

    def allows(self, event: Event) -> bool:
        """Whether publishing it now leaves nothing to chance."""
        origin, union = self._subject(event)
        time = self._model.time(event)
        if origin == _LOST:
            return False
        if event.type == PAID and self._is_refused(event, origin):
            return not self._waiting[_transaction(event)]
        if event.type == REQUESTED:
            if not self.is_news(event):
                return origin not in self._unsettled or event in self.events
            return bool(origin or union) and time >= self._latest
        if event.type == ENROLLED:
            return self._allows_enrolment(event, origin or union)
        if self._model.claim(event) is None:
            return True
        if time <= self._floor(origin).at:  # refused, or still in time to make the union go, too
            return origin not in self._unsettled or time <= self._floor(union).at
        if self._idle_ms and any(t < time - 25 * DAY for t in self._later(origin)):
            return origin in self.binds  # what is closed cannot be judged anew in another account
        if time <= self._floor(union).at:  # the origin goes, too
            return not self.binds.get(origin) and origin not in self._on_their_way
        return origin not in self._unsettled

    def _allows_enrolment(self, event: Event, who: str) -> bool:
        """One member twice at different times is one fact, of which the engine keeps the first."""
        data: Any = event.data
        waiting = self._waiting[_transaction(event)] if not who else []
        known = {e.time_ms for e in waiting if getattr(e.data, "member_id", "") == data.member_id}
        known.add(self._members[who].get(data.member_id, event.time_ms))
        unsettled = {who, self.binds.get(who, "")} & self._unsettled
        return known == {event.time_ms} and not unsettled

    # what happens ------------------------------------------------------------------------------

    def publish(self, event: Event, clean: bool, as_of: int) -> None:
        """``clean``: it is a request, and everything comes to rest before the next event."""
        self.events.append(event)
        self._latest = max(self._latest, self._model.time(event))
        if event.type in _NO_FACTS or getattr(event.data, "is_snapshot_user", False):
            return
        origin, union = self._subject(event)
        if event.type == REQUESTED:
            self._request(origin, union, event.time_ms, clean, as_of)
        elif event.type == PAID:
            self._pay(event, origin)
        elif origin or union:
            self._add(event, origin, union)
        else:
            self._waiting[_transaction(event)].append(event)

    def come_to_rest(self, clock: int) -> None:
        """Everything is applied, and who has not been seen for too long is forgotten."""
        self.erasures += bool(self.erasures % 2)
        self._on_their_way, self._unsettled = set(), set()
        if self._idle_ms:
            for star, seen in self._unclaimed():
                if seen + self._idle_ms <= clock:
                    self._erase(star, Floor(seen, asked=False), {})

    def _pay(self, event: Event, origin: str) -> None:
        transaction = _transaction(event)
        refused = self._is_refused(event, origin)
        self._payers.setdefault(transaction, _LOST if refused else origin)
        self._paid_at[transaction] = self._model.time(event)
        self._on_their_way.add(origin)
        self._add(event, origin, "")
        for waiting in self._waiting.pop(transaction, []):
            self._add(waiting, origin, "")

    def _add(self, event: Event, origin: str, union: str) -> None:
        who, time = origin or union, self._model.time(event)
        if time <= self._floor(who).at:
            return
        if self._model.claim(event) is not None:
            floor = self._floor(union)
            if time <= floor.at:
                self._erase([origin], floor, None)
                return
            self.binds[origin] = union
            self._unsure(origin, floor.at)
            self._lose_payments(origin, floor.at)
        fact = self._model.fact(event)
        self._facts[who][fact] = min(time, self._facts[who].get(fact, time))
        if event.type in STOPS and union:
            self._facts[union][fact] = time
        if event.type == ENROLLED:
            data: Any = event.data
            self._members[who][data.member_id] = time
            self._unsure(who, self._floor(self.binds.get(who, "")).at)

    def _request(self, origin: str, union: str, at: int, clean: bool, as_of: int) -> None:
        if at <= self._floor(origin or union).at:
            return
        if origin and union:
            self.binds[origin] = union
        payouts = self.expected(as_of).payouts if clean else None
        star = self._star(self.binds.get(origin, "") or union or origin)
        self._erase(star, Floor(at, asked=True), payouts)

    def _erase(
        self, star: list[str], floor: Floor, payouts: Mapping[tuple[str, str], int] | None
    ) -> None:
        """``payouts``: what each was paid by now, if nothing can be under way."""
        self.erasures += 1 + self.erasures % 2
        for key in star:
            known = self._floor(key)
            self.floors[key] = Floor(max(known.at, floor.at), known.asked or floor.asked)
            self.binds.pop(key, None)
            if payouts is None:
                self._unsure(key, floor.at)
                self._unsettled.add(key)
            self._lose_payments(key, floor.at)
            self._forget_again(key)
            later = {m: at for m, at in self._members[key].items() if at > floor.at}
            facts = self._facts[key].items()
            self._members[key] = later
            self._facts[key] = {fact: time for fact, time in facts if time > self._floor(key).at}
        for (key, member), points in (payouts or {}).items():
            if key in star:
                self._kept[member] += points

    def _forget_again(self, key: str) -> None:
        """One fact reported twice goes with its earliest time, also what a later one reported."""
        at, facts = self._floor(key).at, self._facts[key]
        self.events = [
            event
            for event in self.events
            if not (
                key in self._subject(event)
                and self._model.time(event) > at
                and facts.get(self._model.fact(event), at + 1) <= at
            )
        ]

    def _lose_payments(self, payer: str, at: int) -> None:
        of_payer = [transaction for transaction, who in self._payers.items() if who == payer]
        self._payers |= {t: _LOST for t in of_payer if self._paid_at[t] <= at}

    def _unsure(self, key: str, at: int) -> None:
        self.unsure |= {member for member, time in self._members[key].items() if time <= at}

    # whom it concerns --------------------------------------------------------------------------

    def _subject(self, event: Event) -> tuple[str, str]:
        """The origin and the union which an event names; nothing where a payment is awaited."""
        if event.type in _NO_FACTS:
            return "", ""
        consumer = getattr(event.data, "consumer_id", None) or ""
        origin = self._model.origin(event)
        direct = consumer.startswith("union.") and not origin
        union = consumer if direct else self._model.union(event)
        if not origin and not union:
            origin = self._payers.get(_transaction(event), "")
        return origin, "" if consumer.startswith("origin.") else union

    def _floor(self, key: str) -> Floor:
        return self.floors.get(key, Floor())

    def _is_refused(self, event: Event, origin: str) -> bool:
        """By the origin, or by whom it is bound to."""
        union = self.binds.get(origin, "")
        return self._model.time(event) <= max(self._floor(origin).at, self._floor(union).at)

    def _later(self, key: str) -> list[int]:
        return [time for time in self._facts[key].values() if time > self._floor(key).at]

    def _star(self, key: str) -> list[str]:
        return [key, *(origin for origin, union in self.binds.items() if union == key)]

    def _unclaimed(self) -> list[tuple[list[str], int]]:
        """The accounts nobody has claimed: whose they are, and when those were last seen."""
        found = []
        for key in {*self._facts, *self.binds.values()} - {*self.binds}:
            star = self._star(key)
            floor = self._floor(key).at
            seen = max((t for k in star for t in self._later(k) if t > floor), default=0)
            if seen and not any(self._members[k] for k in star):
                found.append((star, seen))
        return found


def _transaction(event: Event) -> str:
    return getattr(event.data, "transaction_id", None) or ""
