# SPDX-License-Identifier: Apache-2.0
"""Decide when each lookup is made: deadlines, priorities, rates, quotas, retries. Pure.

No clock and no randomness: time is an argument, in ms, and so are the random draws of the back-off.
Every lookup that is added finishes exactly once, with an outcome.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stream.resolver.api_replies import Verdict
from stream.resolver.lookup_results import ApiCall, FinishedLookup, LookupOutcome
from stream.resolver.lookups import AnyLookup, Api, Lane, Lookup, OrderLookup
from stream.resolver.rate_limits import RateLimit

BATCH_MAX: Final = 100  # openids in one batchget
TAGS_MAX: Final = 100  # of one lookup that is added again and again
BACK_OFF_MS: Final = (500, 30_000)  # the longest pause after the first failure, and after any
MEMORY_MS: Final = 86_400_000  # how long an answer is remembered
LINGER_MS: Final = 2_000  # how long the first lookup of a batch waits for others
_SLACK: Final = 1_000  # stale entries before a heap is rebuilt
_LAST_TRY_MS: Final = 1_000  # one last try, so long before the deadline

#: Outcomes that are remembered: the lookup is not repeated for a while. Orders are asked for again:
#: one may have been too new or unpaid, or be cancelled since. A refund is for good.
_REMEMBERED: Final[Mapping[LookupOutcome, type]] = {
    LookupOutcome.BOUND: Lookup,
    LookupOutcome.NO_UNIONID: Lookup,
    LookupOutcome.REFUSED: Lookup,
    LookupOutcome.REFUNDED: OrderLookup,
}
#: The outcome of a lookup whose deadline passes before a retry.
_LATE_OUTCOMES: Final[Mapping[Verdict, LookupOutcome]] = {
    Verdict.QUOTA: LookupOutcome.OVER_QUOTA,
    Verdict.SLOWER: LookupOutcome.OVER_QUOTA,
    Verdict.APP_REFUSED: LookupOutcome.APP_REFUSED,
}

_Key = tuple[str, str, str]
_Entry = tuple[int, int, _Key]  # time in ms, a unique number, the key of the lookup


@dataclass(slots=True)
class _Waiting:
    """A lookup that has not finished; ``tags`` are all those that it was added with."""

    lookup: AnyLookup
    api: Api  # openids of a refused batch are looked up one by one
    tags: list[Hashable]
    ready_ms: int = 0
    number: int = 0  # of its only valid entry in the heap of a queue
    tries: int = 0
    called: bool = False  # a call is under way
    late_outcome: LookupOutcome = LookupOutcome.LATE_ANSWER  # if its deadline passes now


@dataclass(slots=True)
class _Queue:
    """The lookups that wait for one app's calls of one interface."""

    limit: RateLimit
    ready: list[_Entry] = field(default_factory=list)


class Planner:
    """All lookups that wait.

    Bounded: ``waiting_max`` lookups of each lane, and as many remembered answers.
    """

    def __init__(self, *, waiting_max: int, calls_per_s: int, daily_calls_max: int) -> None:
        self._waiting_max = waiting_max
        self._limits = calls_per_s, daily_calls_max
        self._waiting: dict[_Key, _Waiting] = {}
        self._queues: dict[tuple[Api, str], _Queue] = {}
        self._counts: Counter[Lane] = Counter()  # waiting lookups
        self._deadlines: list[_Entry] = []
        self._memory: OrderedDict[_Key, int] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def full(self, api: Api) -> bool:
        """Whether one more such lookup would overflow; the lanes are limited apart."""
        return self._counts[api.lane] >= self._waiting_max

    def half_full(self, api: Api) -> bool:
        """Whether lookups that are in no hurry should leave the rest of the lane to others."""
        return self._counts[api.lane] * 2 >= self._waiting_max

    # lookups added --------------------------------------------------------------------------------

    def add(self, lookup: AnyLookup, tag: Hashable, now_ms: int) -> FinishedLookup | None:
        """Plan a lookup; return it as finished if there is no call to make."""
        if lookup.by_ms <= now_ms:
            return FinishedLookup(lookup, LookupOutcome.LATE_READ, tag)
        if self._remembers(lookup, now_ms):
            return FinishedLookup(lookup, LookupOutcome.KNOWN, tag)
        if known := self._waiting.get(lookup.key):
            return self._again(known, lookup, tag)
        if self.full(lookup.api):
            return FinishedLookup(lookup, LookupOutcome.OVERFLOW, tag)
        waiting = self._waiting[lookup.key] = _Waiting(lookup, lookup.api, [tag])
        self._counts[lookup.api.lane] += 1
        heapq.heappush(self._deadlines, (lookup.by_ms, next(self._numbers), lookup.key))
        self._make_ready(waiting, now_ms + (LINGER_MS if lookup.api is Api.BATCH else 0))
        return None

    def _again(self, known: _Waiting, lookup: AnyLookup, tag: Hashable) -> FinishedLookup | None:
        """Merge with the same lookup that waits; the more urgent interface is used."""
        if len(known.tags) >= TAGS_MAX:
            return FinishedLookup(lookup, LookupOutcome.KNOWN, tag)
        known.tags.append(tag)
        if lookup.api is Api.INFO and known.api is Api.BATCH and not known.called:
            known.api = Api.INFO
            self._make_ready(known, known.ready_ms - (0 if known.tries else LINGER_MS))
        return None

    def _remembers(self, lookup: AnyLookup, now_ms: int) -> bool:
        """Whether the answer is known. A new follow makes an older answer outdated."""
        until_ms = max(self._memory.get(k, 0) for k in (lookup.answers, lookup.key))
        outdated = lookup.api is Api.INFO and until_ms - MEMORY_MS < lookup.since_ms
        return until_ms > now_ms and not outdated

    # calls to make --------------------------------------------------------------------------------

    def expired(self, now_ms: int) -> list[FinishedLookup]:
        """Finish lookups whose deadline has passed, except those with a call under way."""
        finished: list[FinishedLookup] = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            _, _, key = heapq.heappop(self._deadlines)
            waiting = self._waiting.get(key)
            if waiting is None or waiting.lookup.by_ms > now_ms or waiting.called:
                continue
            limit = self._queue(waiting.api, waiting.lookup.appid).limit
            finished += self._finish(
                waiting, limit.why_blocked(now_ms) or waiting.late_outcome, now_ms
            )
        return finished

    def due_calls(self, now_ms: int, room: int) -> list[ApiCall]:
        """At most ``room`` calls to make now, most urgent first; report each to `answered`."""
        calls: list[ApiCall] = []
        for api in Api:
            for (kind, appid), queue in self._queues.items():
                while kind is api and len(calls) < room:
                    lookups = self._next(queue, api, now_ms)
                    if not lookups:
                        break
                    queue.limit.count_call(now_ms)
                    calls.append(ApiCall(api, appid, lookups))
        return calls

    def _next(self, queue: _Queue, api: Api, now_ms: int) -> tuple[AnyLookup, ...]:
        ready = queue.ready
        while ready and self._valid(ready[0]) is None:
            heapq.heappop(ready)
        if not ready or ready[0][0] > now_ms or queue.limit.next_call_ms(now_ms) > now_ms:
            return ()
        lookups: list[AnyLookup] = []
        while ready and len(lookups) < (BATCH_MAX if api is Api.BATCH else 1):
            waiting = self._valid(heapq.heappop(ready))
            if waiting is not None and waiting.lookup.by_ms > now_ms:
                waiting.called = True
                lookups.append(waiting.lookup)
        return tuple(lookups)

    def _valid(self, entry: _Entry) -> _Waiting | None:
        """The lookup of an entry, unless it has finished or has a newer entry."""
        waiting = self._waiting.get(entry[2])
        return waiting if waiting is not None and waiting.number == entry[1] else None

    def next_ms(self, now_ms: int) -> int | None:
        """When the next call or deadline is due; ``None`` if nothing is planned."""
        times = [self._deadlines[0][0]] if self._deadlines else []
        for queue in self._queues.values():
            if queue.ready:
                times.append(max(queue.ready[0][0], queue.limit.next_call_ms(now_ms)))
        return min(times, default=None)

    # replies --------------------------------------------------------------------------------------

    def answered(
        self,
        call: ApiCall,
        verdict: Verdict,
        outcomes: Mapping[AnyLookup, LookupOutcome],
        now_ms: int,
        draw: float,
    ) -> list[FinishedLookup]:
        """Take in the reply to a call; if it is ``OK``, ``outcomes`` has those of all its lookups.

        ``draw``, from 0 to 1, spreads the retries (full jitter).
        """
        finished = list[FinishedLookup]()
        self._queue(call.api, call.appid).limit.apply_verdict(verdict, now_ms)
        for lookup in call.lookups:
            waiting = self._waiting.get(lookup.key)
            if waiting is None or not waiting.called:
                continue
            waiting.called = False
            if verdict is Verdict.OK:
                finished += self._finish(waiting, outcomes[lookup], now_ms)
            elif verdict is Verdict.REFUSED and call.api is not Api.BATCH:
                finished += self._finish(waiting, LookupOutcome.REFUSED, now_ms)
            else:
                finished += self._retry(waiting, verdict, now_ms, draw)
        return finished

    def _retry(
        self, waiting: _Waiting, verdict: Verdict, now_ms: int, draw: float
    ) -> list[FinishedLookup]:
        """Plan a retry before the deadline; one bad openid makes WeChat refuse a whole batch."""
        waiting.late_outcome = _LATE_OUTCOMES.get(verdict, LookupOutcome.LATE_ANSWER)
        if waiting.lookup.by_ms <= now_ms:
            return self._finish(waiting, waiting.late_outcome, now_ms)
        at_once = verdict is Verdict.TOKEN and not waiting.tries
        if verdict is Verdict.REFUSED:
            waiting.api, at_once = Api.INFO, True
        least_ms, most_ms = BACK_OFF_MS
        longest_ms = min(most_ms, least_ms << min(waiting.tries, 16))
        ready_ms = now_ms + (0 if at_once else int(draw * longest_ms))
        waiting.tries += 1
        last_ms = waiting.lookup.by_ms - _LAST_TRY_MS
        if ready_ms < waiting.lookup.by_ms:
            self._make_ready(waiting, ready_ms)
        elif now_ms < last_ms:
            self._make_ready(waiting, last_ms)
        return []

    # the rest -------------------------------------------------------------------------------------

    def raise_count(self, api: Api, appid: str, calls: int, now_ms: int) -> None:
        """Take over the number of calls that all processes made today."""
        self._queue(api, appid).limit.raise_count(calls, now_ms)

    def calls_left(self, now_ms: int) -> Mapping[tuple[Api, str], int]:
        """Calls left of today's quotas, by interface and app."""
        return {at: queue.limit.calls_left(now_ms) for at, queue in self._queues.items()}

    def settle(
        self, outcomes: Mapping[AnyLookup, LookupOutcome], now_ms: int
    ) -> list[FinishedLookup]:
        """Finish lookups whose result has become known in another way."""
        finished: list[FinishedLookup] = []
        for lookup, outcome in outcomes.items():
            if waiting := self._waiting.get(lookup.key):
                finished += self._finish(waiting, outcome, now_ms)
        return finished

    def drop(self, tags: Sequence[Hashable]) -> None:
        """Drop lookups that have only these tags; another process takes them over."""
        gone = set(tags)
        for waiting in list(self._waiting.values()):
            waiting.tags = [tag for tag in waiting.tags if tag not in gone]
            if not waiting.tags:
                self._remove(waiting)

    def _finish(
        self, waiting: _Waiting, outcome: LookupOutcome, now_ms: int
    ) -> list[FinishedLookup]:
        lookup = waiting.lookup
        self._remove(waiting)
        if isinstance(lookup, _REMEMBERED.get(outcome, ())):
            # A refused order says nothing about the payer's other orders.
            key = lookup.answers if outcome is LookupOutcome.BOUND else lookup.key
            self._memory[key] = now_ms + MEMORY_MS
            self._memory.move_to_end(key)
            while len(self._memory) > self._waiting_max:
                self._memory.popitem(last=False)
        return [FinishedLookup(lookup, outcome, tag) for tag in waiting.tags]

    def _remove(self, waiting: _Waiting) -> None:
        del self._waiting[waiting.lookup.key]
        self._counts[waiting.lookup.api.lane] -= 1
        if len(self._deadlines) > 2 * len(self._waiting) + _SLACK:
            self._deadlines = [entry for entry in self._deadlines if entry[2] in self._waiting]
            heapq.heapify(self._deadlines)

    def _make_ready(self, waiting: _Waiting, ready_ms: int) -> None:
        waiting.ready_ms, waiting.number = ready_ms, next(self._numbers)
        queue = self._queue(waiting.api, waiting.lookup.appid)
        heapq.heappush(queue.ready, (ready_ms, waiting.number, waiting.lookup.key))
        if len(queue.ready) > 2 * len(self._waiting) + _SLACK:
            queue.ready = [entry for entry in queue.ready if self._valid(entry)]
            heapq.heapify(queue.ready)

    def _queue(self, api: Api, appid: str) -> _Queue:
        queue = self._queues.get((api, appid))
        if queue is None:
            queue = self._queues[api, appid] = _Queue(RateLimit(*self._limits))
        return queue
