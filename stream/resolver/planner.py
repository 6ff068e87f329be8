"""Which question is asked when: windows, priorities, rates, quotas, repetition. Pure.

No clock and no randomness: time is an argument, in ms, and so are the draws of back-off. Every ask
which is added ends exactly once, with an outcome.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stream.resolver.asks import Api, Ask
from stream.resolver.lanes import Lane
from stream.resolver.outcomes import Call, Ended, Outcome
from stream.resolver.replies import Verdict

BATCH_MAX: Final = 100  # openids in one batchget
TAGS_MAX: Final = 100  # of one ask which comes again and again
BACK_OFF_MS: Final = (500, 30_000)  # the longest pause after the first failure, and of all
MEMORY_MS: Final = 86_400_000  # how long what is answered is not asked again
LINGER_MS: Final = 2_000  # how long the first of a batch waits for others
_SLACK: Final = 1_000  # entries of asks which are done, before a heap is made anew
_LAST_TRY_MS: Final = 1_000  # before the end of a window there is one more try

#: Outcomes by which a question need not be asked again for a while.
_FINAL: Final = frozenset({Outcome.BOUND, Outcome.NO_UNIONID, Outcome.REFUSED})
#: What those end as which are not asked again in time.
_HELD: Final[Mapping[Verdict, Outcome]] = {
    Verdict.QUOTA: Outcome.OVER_QUOTA,
    Verdict.SLOWER: Outcome.OVER_QUOTA,
    Verdict.APP_REFUSED: Outcome.APP_REFUSED,
}

_Key = tuple[str, str, str]
_Entry = tuple[int, int, _Key]  # when in ms, a number which makes entries differ, the ask


@dataclass(slots=True)
class _Waiting:
    """An ask which is not done. ``tags``: of the same ask, come more than once."""

    ask: Ask
    api: Api  # a batch which is refused is asked one by one
    tags: list[Hashable]
    ready_ms: int = 0
    number: int = 0  # of its only valid entry in the heap of a lane
    tries: int = 0
    called: bool = False  # an answer is on its way
    held: Outcome = Outcome.LATE_ANSWER  # what it ends as if its time ends now


@dataclass(slots=True)
class _Queue:
    """What waits for one lane."""

    lane: Lane
    ready: list[_Entry] = field(default_factory=list)


class Planner:
    """All questions which wait.

    Bounded: ``waiting_max`` asks with a window, as many without, as many remembered answers.
    """

    def __init__(self, *, waiting_max: int, calls_per_s: int, daily_calls_max: int) -> None:
        self._waiting_max = waiting_max
        self._limits = calls_per_s, daily_calls_max
        self._waiting: dict[_Key, _Waiting] = {}
        self._queues: dict[tuple[Api, str], _Queue] = {}
        self._counts: Counter[bool] = Counter()  # waiting, by whether WeChat has a window
        self._ends: list[_Entry] = []
        self._memory: OrderedDict[_Key, int] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def full(self, api: Api) -> bool:
        """Whether one more such ask would overflow; those without a window crowd out no others."""
        return self._counts[api is Api.PAID] >= self._waiting_max

    # what comes in --------------------------------------------------------------------------------

    def add(self, ask: Ask, tag: Hashable, now_ms: int) -> Ended | None:
        """Take an ask; how it ended, if there is nothing to wait for."""
        if ask.by_ms <= now_ms:
            return Ended(ask, Outcome.LATE_READ, tag)
        if self._remembers(ask, now_ms):
            return Ended(ask, Outcome.KNOWN, tag)
        if known := self._waiting.get(ask.key):
            return self._again(known, ask, tag)
        if self.full(ask.api):
            return Ended(ask, Outcome.OVERFLOW, tag)
        waiting = self._waiting[ask.key] = _Waiting(ask, ask.api, [tag])
        self._counts[ask.api is Api.PAID] += 1
        heapq.heappush(self._ends, (ask.by_ms, next(self._numbers), ask.key))
        self._make_ready(waiting, now_ms + (LINGER_MS if ask.api is Api.BATCH else 0))
        return None

    def _again(self, known: _Waiting, ask: Ask, tag: Hashable) -> Ended | None:
        """One question is enough, by the more urgent way."""
        if len(known.tags) >= TAGS_MAX:
            return Ended(ask, Outcome.KNOWN, tag)
        known.tags.append(tag)
        if ask.api is Api.INFO and known.api is Api.BATCH and not known.called:
            known.api = Api.INFO
            self._make_ready(known, known.ready_ms - (0 if known.tries else LINGER_MS))
        return None

    def _remembers(self, ask: Ask, now_ms: int) -> bool:
        """Whether the answer is known. Who follows now may not have done so before."""
        until_ms = max(self._memory.get(k, 0) for k in ((ask.appid, ask.openid, ""), ask.key))
        outdated = ask.api is Api.INFO and until_ms - MEMORY_MS < ask.since_ms
        return until_ms > now_ms and not outdated

    # what goes out --------------------------------------------------------------------------------

    def expired(self, now_ms: int) -> list[Ended]:
        """What has to be given up. An answer which is on its way is still waited for."""
        ended: list[Ended] = []
        while self._ends and self._ends[0][0] <= now_ms:
            _, _, key = heapq.heappop(self._ends)
            waiting = self._waiting.get(key)
            if waiting is None or waiting.ask.by_ms > now_ms or waiting.called:
                continue
            lane = self._queue(waiting.api, waiting.ask.appid).lane
            ended += self._end(waiting, lane.why_closed(now_ms) or waiting.held, now_ms)
        return ended

    def take(self, now_ms: int, room: int) -> list[Call]:
        """At most ``room`` calls to make now, the most urgent first; each is to be `answered`."""
        calls: list[Call] = []
        for api in Api:
            for (kind, appid), queue in self._queues.items():
                while kind is api and len(calls) < room:
                    asks = self._next(queue, api, now_ms)
                    if not asks:
                        break
                    queue.lane.spend(now_ms)
                    calls.append(Call(api, appid, asks))
        return calls

    def _next(self, queue: _Queue, api: Api, now_ms: int) -> tuple[Ask, ...]:
        ready = queue.ready
        while ready and self._valid(ready[0]) is None:
            heapq.heappop(ready)
        if not ready or ready[0][0] > now_ms or queue.lane.opens_ms(now_ms) > now_ms:
            return ()
        asks: list[Ask] = []
        while ready and len(asks) < (BATCH_MAX if api is Api.BATCH else 1):
            waiting = self._valid(heapq.heappop(ready))
            if waiting is not None and waiting.ask.by_ms > now_ms:
                waiting.called = True
                asks.append(waiting.ask)
        return tuple(asks)

    def _valid(self, entry: _Entry) -> _Waiting | None:
        """The ask behind an entry of a queue, unless that is done or has a newer entry."""
        waiting = self._waiting.get(entry[2])
        return waiting if waiting is not None and waiting.number == entry[1] else None

    def next_ms(self, now_ms: int) -> int | None:
        """When to look again; ``None``: not before something comes."""
        times = [self._ends[0][0]] if self._ends else []
        for queue in self._queues.values():
            if queue.ready:
                times.append(max(queue.ready[0][0], queue.lane.opens_ms(now_ms)))
        return min(times, default=None)

    # what comes back ------------------------------------------------------------------------------

    def answered(
        self, call: Call, verdict: Verdict, bound: Iterable[str], now_ms: int, draw: float
    ) -> list[Ended]:
        """What a call came to. ``bound`` are the openids whose Union ID it told.

        ``draw``, from 0 to 1, spreads what is asked again (full jitter).
        """
        found, ended = set(bound), list[Ended]()
        self._queue(call.api, call.appid).lane.mind(verdict, now_ms)
        for ask in call.asks:
            waiting = self._waiting.get(ask.key)
            if waiting is None or not waiting.called:
                continue
            waiting.called = False
            if verdict is Verdict.OK:
                told = Outcome.BOUND if ask.openid in found else Outcome.NO_UNIONID
                ended += self._end(waiting, told, now_ms)
            elif verdict is Verdict.REFUSED and call.api is not Api.BATCH:
                ended += self._end(waiting, Outcome.REFUSED, now_ms)
            else:
                ended += self._repeat(waiting, verdict, now_ms, draw)
        return ended

    def _repeat(self, waiting: _Waiting, verdict: Verdict, now_ms: int, draw: float) -> list[Ended]:
        """Ask again within the window; of a batch which is refused one openid is to blame."""
        waiting.held = _HELD.get(verdict, Outcome.LATE_ANSWER)
        if waiting.ask.by_ms <= now_ms:
            return self._end(waiting, waiting.held, now_ms)
        at_once = verdict is Verdict.TOKEN and not waiting.tries
        if verdict is Verdict.REFUSED:
            waiting.api, at_once = Api.INFO, True
        least_ms, most_ms = BACK_OFF_MS
        longest_ms = min(most_ms, least_ms << min(waiting.tries, 16))
        ready_ms = now_ms + (0 if at_once else int(draw * longest_ms))
        waiting.tries += 1
        last_ms = waiting.ask.by_ms - _LAST_TRY_MS
        if ready_ms < waiting.ask.by_ms:
            self._make_ready(waiting, ready_ms)
        elif now_ms < last_ms:
            self._make_ready(waiting, last_ms)
        return []

    # the rest -------------------------------------------------------------------------------------

    def spent(self, api: Api, appid: str, calls: int, now_ms: int) -> None:
        """So many calls were made today by all processes together."""
        self._queue(api, appid).lane.spent(calls, now_ms)

    def left(self, now_ms: int) -> Mapping[tuple[Api, str], int]:
        """Calls which are left of today's quotas."""
        return {at: queue.lane.left(now_ms) for at, queue in self._queues.items()}

    def settle(self, outcomes: Mapping[Ask, Outcome], now_ms: int) -> list[Ended]:
        """End asks which have become known by another way."""
        ended: list[Ended] = []
        for ask, outcome in outcomes.items():
            if waiting := self._waiting.get(ask.key):
                ended += self._end(waiting, outcome, now_ms)
        return ended

    def drop(self, tags: Sequence[Hashable]) -> None:
        """Forget what came with these tags alone; somebody else will ask."""
        gone = set(tags)
        for waiting in list(self._waiting.values()):
            waiting.tags = [tag for tag in waiting.tags if tag not in gone]
            if not waiting.tags:
                self._remove(waiting)

    def _end(self, waiting: _Waiting, outcome: Outcome, now_ms: int) -> list[Ended]:
        ask = waiting.ask
        self._remove(waiting)
        if outcome in _FINAL:
            # A refused order says nothing about the payer's other orders.
            key = (*ask.origin, "") if outcome is Outcome.BOUND else ask.key
            self._memory[key] = now_ms + MEMORY_MS
            self._memory.move_to_end(key)
            while len(self._memory) > self._waiting_max:
                self._memory.popitem(last=False)
        return [Ended(ask, outcome, tag) for tag in waiting.tags]

    def _remove(self, waiting: _Waiting) -> None:
        del self._waiting[waiting.ask.key]
        self._counts[waiting.ask.api is Api.PAID] -= 1
        if len(self._ends) > 2 * len(self._waiting) + _SLACK:
            self._ends = [entry for entry in self._ends if entry[2] in self._waiting]
            heapq.heapify(self._ends)

    def _make_ready(self, waiting: _Waiting, ready_ms: int) -> None:
        waiting.ready_ms, waiting.number = ready_ms, next(self._numbers)
        queue = self._queue(waiting.api, waiting.ask.appid)
        heapq.heappush(queue.ready, (ready_ms, waiting.number, waiting.ask.key))
        if len(queue.ready) > 2 * len(self._waiting) + _SLACK:
            queue.ready = [entry for entry in queue.ready if self._valid(entry)]
            heapq.heapify(queue.ready)

    def _queue(self, api: Api, appid: str) -> _Queue:
        queue = self._queues.get((api, appid))
        if queue is None:
            queue = self._queues[api, appid] = _Queue(Lane(*self._limits))
        return queue
