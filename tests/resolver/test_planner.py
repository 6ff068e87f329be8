# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine.model.calendar import day_of, start_of
from stream.resolver.api_replies import Verdict
from stream.resolver.lookup_results import ApiCall, FinishedLookup, LookupOutcome
from stream.resolver.lookups import PAID_WINDOW_MS, AnyLookup, Api, Lookup, OrderLookup
from stream.resolver.planner import BATCH_MAX, LINGER_MS, MEMORY_MS, TAGS_MAX, Planner
from stream.resolver.rate_limits import PAUSE_MS, SLOWER_MS

NOW = start_of(20_500) + 3_600_000  # an hour after midnight in Shanghai
HOUR = 3_600_000
OA, MP = "wxoa", "wxmp"


def paid(openid: str = "oMei", order: str = "4200", since: int = NOW) -> Lookup:
    return Lookup(Api.PAID, MP, openid, since, since + PAID_WINDOW_MS, order)


def followed(openid: str = "oMei", since: int = NOW) -> Lookup:
    return Lookup(Api.INFO, OA, openid, since, since + 24 * HOUR)


def seen(openid: str = "oMei", since: int = NOW) -> Lookup:
    return Lookup(Api.BATCH, OA, openid, since, since + 24 * HOUR)


def order(number: str = "37", since: int = NOW, api: Api = Api.ORDER) -> OrderLookup:
    return OrderLookup(api, "wxshop", number, since, since + 24 * HOUR)


def planner(waiting: int = 1_000, per_s: int = 10, daily: int = 1_000) -> Planner:
    return Planner(waiting_max=waiting, calls_per_s=per_s, daily_calls_max=daily)


def outcomes(finished: list[FinishedLookup]) -> list[LookupOutcome]:
    return [one.outcome for one in finished]


def answered(
    p: Planner, call: ApiCall, verdict: Verdict, found: Iterable[str], now: int, draw: float
) -> list[FinishedLookup]:
    """``found`` are the openids with a Union ID, or the numbers of paid orders."""
    names, ends = set(found), dict[AnyLookup, LookupOutcome]()
    for one in call.lookups:
        if isinstance(one, Lookup):
            bound = one.openid in names
            ends[one] = LookupOutcome.BOUND if bound else LookupOutcome.NO_UNIONID
        else:
            done = LookupOutcome.PUBLISHED if one.api is Api.ORDER else LookupOutcome.REFUNDED
            ends[one] = done if one.number in names else LookupOutcome.NO_REFUND
    return p.answered(call, verdict, ends, now, draw)


def take_one(p: Planner, now: int = NOW) -> ApiCall:
    [call] = p.due_calls(now, 1)
    return call


def test_a_payment_is_asked_for_at_once_and_ends_with_the_answer() -> None:
    p = planner()
    assert p.add(paid(), "tag", NOW) is None
    call = take_one(p)
    assert (call.api, call.appid, call.lookups) == (Api.PAID, MP, (paid(),))
    assert p.due_calls(NOW, 9) == []
    assert answered(p, call, Verdict.OK, ["oMei"], NOW, 0.5) == [
        FinishedLookup(paid(), LookupOutcome.BOUND, "tag")
    ]
    assert len(p) == 0
    again = p.add(paid(order="4201"), "later", NOW + 1)
    assert again is not None
    assert again.outcome is LookupOutcome.KNOWN


def test_windows_come_before_follows_and_follows_before_the_rest() -> None:
    p = planner()
    for lookup in (seen("oLi"), followed(), paid()):
        p.add(lookup, lookup.key, NOW)
    later = NOW + LINGER_MS
    assert [call.api for call in p.due_calls(later, 9)] == [Api.PAID, Api.INFO, Api.BATCH]


def test_a_batch_gathers_for_a_moment_and_holds_a_hundred() -> None:
    p = planner()
    for number in range(BATCH_MAX + 1):
        p.add(seen(f"o{number}"), number, NOW)
    assert p.due_calls(NOW + LINGER_MS - 1, 9) == []
    assert p.next_ms(NOW) == NOW + LINGER_MS
    assert [len(call.lookups) for call in p.due_calls(NOW + LINGER_MS, 9)] == [BATCH_MAX, 1]


def test_who_follows_is_asked_for_now_even_if_a_batch_would_have_done() -> None:
    p = planner()
    p.add(seen(), 1, NOW)
    p.add(followed(), 2, NOW)
    call = take_one(p)
    assert call.api is Api.INFO
    finished = answered(p, call, Verdict.OK, ["oMei"], NOW, 0)
    assert {one.tag for one in finished} == {1, 2}
    assert p.due_calls(NOW + HOUR, 9) == []


def test_of_a_refused_batch_each_is_asked_alone() -> None:
    p = planner()
    for openid in ("oMei", "oWrong"):
        p.add(seen(openid), openid, NOW)
    now = NOW + LINGER_MS
    batch = take_one(p, now)
    assert answered(p, batch, Verdict.REFUSED, [], now, 1.0) == []
    first, second = p.due_calls(now, 9)
    assert (first.api, second.api) == (Api.INFO, Api.INFO)
    assert outcomes(answered(p, first, Verdict.OK, ["oMei"], now, 0)) == [LookupOutcome.BOUND]
    assert outcomes(answered(p, second, Verdict.REFUSED, [], now, 0)) == [LookupOutcome.REFUSED]


def test_failures_are_repeated_with_full_jitter_inside_the_window() -> None:
    p = planner()
    p.add(paid(), 1, NOW)
    now, pauses = NOW, []
    while len(p):
        planned = p.next_ms(now)
        assert planned is not None
        pauses.append(planned - now)
        now = planned
        finished = p.expired(now)
        for call in p.due_calls(now, 9):
            assert now < call.by_ms
            finished += answered(p, call, Verdict.TRANSIENT, [], now, 1.0)
        if finished:
            assert outcomes(finished) == [LookupOutcome.LATE_ANSWER]
    assert pauses[:5] == [0, 500, 1_000, 2_000, 4_000]
    assert max(pauses) == 30_000
    assert pauses[-1] == 1_000  # one more try before the end
    assert now == NOW + PAID_WINDOW_MS


def test_the_end_of_a_window_is_no_reason_to_hurry() -> None:
    p, end = planner(), NOW + PAID_WINDOW_MS
    p.add(paid(), 1, end - 900)
    answered(p, take_one(p, end - 900), Verdict.TRANSIENT, [], end - 900, 0.8)
    assert p.next_ms(end - 900) == end - 500
    answered(p, take_one(p, end - 500), Verdict.TRANSIENT, [], end - 500, 0.8)
    assert p.next_ms(end - 500) == end
    assert outcomes(p.expired(end)) == [LookupOutcome.LATE_ANSWER]


def test_a_rejected_token_is_no_reason_to_wait_the_first_time() -> None:
    p = planner()
    p.add(paid(), 1, NOW)
    answered(p, take_one(p), Verdict.TOKEN, [], NOW, 1.0)
    answered(p, take_one(p), Verdict.TOKEN, [], NOW, 1.0)
    assert p.due_calls(NOW, 9) == []
    assert len(p.due_calls(NOW + 1_000, 9)) == 1


@pytest.mark.parametrize(
    ("verdict", "rest_ms", "outcome"),
    [
        (Verdict.SLOWER, SLOWER_MS, LookupOutcome.OVER_QUOTA),
        (Verdict.APP_REFUSED, PAUSE_MS, LookupOutcome.APP_REFUSED),
        (Verdict.QUOTA, start_of(day_of(NOW) + 1) - NOW, LookupOutcome.OVER_QUOTA),
    ],
)
def test_what_wechat_refuses_for_now_is_not_asked_until_then(
    verdict: Verdict, rest_ms: int, outcome: LookupOutcome
) -> None:
    p = planner()
    soon = NOW + rest_ms // 2
    p.add(followed("oLi"), 1, NOW)
    answered(p, take_one(p), verdict, [], NOW, 0)
    p.add(followed("oMei"), 2, NOW)
    p.add(Lookup(Api.INFO, OA, "oHurried", NOW, soon), 3, NOW)
    assert p.due_calls(NOW + rest_ms - 1, 9) == []
    assert outcomes(p.expired(soon)) == [outcome]
    assert len(p.due_calls(NOW + rest_ms, 9)) == 2


def test_the_quota_of_a_day_is_kept_whoever_spent_it() -> None:
    p = planner(daily=3)
    p.raise_count(Api.INFO, OA, 2, NOW)
    assert p.calls_left(NOW) == {(Api.INFO, OA): 1}
    for openid in ("oA", "oB"):
        p.add(followed(openid), openid, NOW)
    assert len(p.due_calls(NOW, 9)) == 1
    tomorrow = start_of(day_of(NOW) + 1)
    assert p.next_ms(NOW) == tomorrow
    assert p.calls_left(NOW) == {(Api.INFO, OA): 0}
    assert len(p.due_calls(tomorrow, 9)) == 1
    p.add(Lookup(Api.INFO, OA, "oC", NOW, NOW + HOUR), 3, NOW)
    p.raise_count(Api.INFO, OA, 3, NOW)
    assert outcomes(p.expired(NOW + HOUR)) == [LookupOutcome.OVER_QUOTA]


def test_calls_are_paced() -> None:
    p = planner(per_s=5)
    for number in range(20):
        p.add(followed(f"o{number}"), number, NOW)
    assert len(p.due_calls(NOW, 99)) == 5
    assert len(p.due_calls(NOW + 199, 99)) == 0
    assert len(p.due_calls(NOW + 200, 99)) == 1
    assert len(p.due_calls(NOW + 1_000, 99)) == 4


def test_what_waits_is_bounded_each_kind_by_itself() -> None:
    p = planner(waiting=2)
    finished = [p.add(seen(f"o{number}"), number, NOW) for number in range(3)]
    assert [one and one.outcome for one in finished] == [None, None, LookupOutcome.OVERFLOW]
    assert p.full(Api.BATCH)
    assert p.full(Api.INFO)
    assert not p.full(Api.PAID)
    assert p.add(paid(), 9, NOW) is None


def test_somebody_very_busy_does_not_grow_without_end() -> None:
    p = planner()
    finished = [p.add(seen(), number, NOW) for number in range(TAGS_MAX + 1)]
    assert [one.outcome for one in finished if one] == [LookupOutcome.KNOWN]


def test_who_did_not_follow_is_asked_for_again_when_following() -> None:
    p = planner()
    p.add(seen(), 1, NOW)
    answered(p, take_one(p, NOW + LINGER_MS), Verdict.OK, [], NOW + LINGER_MS, 0)
    later = NOW + HOUR
    known = p.add(seen(since=later), 2, later)
    assert known is not None
    assert known.outcome is LookupOutcome.KNOWN
    assert p.add(followed(since=later), 3, later) is None
    p = planner()
    p.add(seen(), 1, NOW)
    answered(p, take_one(p, NOW + LINGER_MS), Verdict.OK, [], NOW + LINGER_MS, 0)
    after = NOW + LINGER_MS + MEMORY_MS
    assert p.add(seen(since=after), 4, after) is None


def test_a_refused_order_says_nothing_of_another() -> None:
    p = planner()
    p.add(paid(order="1"), 1, NOW)
    answered(p, take_one(p), Verdict.REFUSED, [], NOW, 0)
    assert p.add(paid(order="2"), 2, NOW) is None
    known = p.add(paid(order="1"), 3, NOW)
    assert known is not None
    assert known.outcome is LookupOutcome.KNOWN


def test_what_was_given_up_is_forgotten_and_its_answer_ignored() -> None:
    p = planner()
    p.add(paid(), 1, NOW)
    call = take_one(p)
    p.add(followed(), 2, NOW)
    p.add(followed(), 3, NOW)
    p.drop([1, 2])
    assert len(p) == 1
    assert answered(p, call, Verdict.OK, ["oMei"], NOW, 0) == []
    assert [one.tag for one in answered(p, take_one(p), Verdict.OK, ["oMei"], NOW, 0)] == [3]


def test_what_has_become_known_by_another_way_is_asked_no_more() -> None:
    p = planner()
    for tag, lookup in enumerate((paid("oMei"), paid("oLi"))):
        p.add(lookup, tag, NOW)
    call = take_one(p)
    assert outcomes(
        p.settle({paid("oMei"): LookupOutcome.KNOWN, paid("oWu"): LookupOutcome.KNOWN}, NOW)
    ) == [LookupOutcome.KNOWN]
    assert answered(p, call, Verdict.OK, ["oMei"], NOW, 0) == []
    assert len(p) == 1
    assert p.add(paid("oMei"), 3, NOW) is None  # for the tables may be wiped


def test_heaps_do_not_keep_what_is_done() -> None:
    p = planner(per_s=1_000_000, daily=10**9)
    for number in range(20_000):
        p.add(followed(f"o{number % 50}", since=NOW + number), number, NOW + number)
        for call in p.due_calls(NOW + number, 9):
            answered(p, call, Verdict.OK, [], NOW + number, 0)
    assert len(p._deadlines) <= 1_100
    assert all(len(queue.ready) <= 1_100 for queue in p._queues.values())


def test_orders_have_a_lane_of_their_own_and_leave_room_for_hints() -> None:
    p = planner(waiting=4)
    for number in ("1", "2"):
        assert not p.half_full(Api.ORDER)
        p.add(order(number), number, NOW)
    assert p.half_full(Api.AFTER_SALE)
    p.add(order("1", api=Api.AFTER_SALE), 3, NOW)  # another thing than the order of this number
    p.add(order("4"), 4, NOW)
    assert (p.full(Api.ORDER), p.full(Api.PAID), p.full(Api.BATCH)) == (True, False, False)


@pytest.mark.parametrize(
    ("api", "verdict", "found", "again"),
    [
        (Api.AFTER_SALE, Verdict.OK, ["37"], LookupOutcome.KNOWN),
        (Api.AFTER_SALE, Verdict.OK, [], None),  # it goes on
        (Api.ORDER, Verdict.OK, ["37"], None),  # it may be cancelled since
        (Api.ORDER, Verdict.REFUSED, [], None),  # not found: it may be too new
    ],
)
def test_only_a_refund_is_for_good(
    api: Api, verdict: Verdict, found: list[str], again: LookupOutcome | None
) -> None:
    p = planner()
    p.add(order(api=api), 1, NOW)
    assert len(answered(p, take_one(p), verdict, found, NOW, 0)) == 1
    finished = p.add(order(api=api), 2, NOW + HOUR)
    assert (finished.outcome if finished else None) is again
    later = order(since=NOW + 25 * HOUR, api=api)
    assert p.add(later, 3, NOW + 25 * HOUR) is None


# --- against a naive model ------------------------------------------------------------------------


@dataclass
class Naive:
    """Lists and dicts: what was asked, called, closed and learned, and when."""

    waiting: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    lookups: dict[tuple[str, str, str], AnyLookup] = field(default_factory=dict)
    known: OrderedDict[tuple[str, str, str], int] = field(default_factory=OrderedDict)  # since
    calls: dict[tuple[Api, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    closed: dict[tuple[Api, str], int] = field(default_factory=lambda: defaultdict(int))
    on_the_way: list[ApiCall] = field(default_factory=list)
    finished: dict[int, LookupOutcome] = field(default_factory=dict)


PER_S, DAILY, WAITING = 3, 25, 6
LANES = {Api.PAID: 1, Api.INFO: 2, Api.BATCH: 2, Api.ORDER: 3, Api.AFTER_SALE: 3}
FOUND = {LookupOutcome.BOUND, LookupOutcome.PUBLISHED, LookupOutcome.REFUNDED}
NOT_FOUND = {LookupOutcome.NO_UNIONID, LookupOutcome.NO_REFUND}
#: What is remembered of a person, and of an order.
LEARNED = {
    Lookup: {LookupOutcome.BOUND, LookupOutcome.NO_UNIONID, LookupOutcome.REFUSED},
    OrderLookup: {LookupOutcome.REFUNDED},
}
ASKS = st.tuples(
    st.sampled_from(list(Api)),
    st.sampled_from(["oA", "oB", "oC", "oD", "oE"]),
    st.sampled_from(["1", "2"]),
    st.integers(0, 400_000),  # how old the event is, in ms
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), ASKS),
        st.tuples(st.just("wait"), st.sampled_from([1, 300, 2_000, 30_000, 200_000, 24 * HOUR])),
        st.tuples(st.just("take"), st.integers(1, 4)),
        st.tuples(
            st.just("answer"),
            st.tuples(st.sampled_from(list(Verdict)), st.booleans(), st.floats(0, 1)),
        ),
    ),
    max_size=80,
)


@pytest.mark.fuzz
@settings(max_examples=400)
@given(STEPS)
def test_against_a_naive_model(steps: list[tuple[str, object]]) -> None:
    p, naive, now, tags = planner(WAITING, PER_S, DAILY), Naive(), NOW, 0
    for kind, what in steps:
        match kind, what:
            case "add", (Api() as api, str(openid), str(number), int(age)):
                tags += 1
                add(p, naive, ask_for(api, openid, number, now - age), tags, now)
            case "wait", int(ms):
                now += ms
                note(naive, p.expired(now), now)
            case "take", int(room):
                note(naive, p.expired(now), now)
                for call in p.due_calls(now, room):
                    check_call(naive, call, now)
            case "answer", (Verdict() as verdict, bool(found), float(draw)):
                answer(p, naive, verdict, found, draw, now)
    while naive.on_the_way:
        answer(p, naive, Verdict.TRANSIENT, False, 0.5, now)
    now += 8 * 24 * HOUR
    note(naive, p.expired(now), now)
    assert sorted(naive.finished) == list(range(1, tags + 1))  # each exactly once
    assert len(p) == 0
    assert p.next_ms(now) is None or not p.due_calls(now, 9)


def ask_for(api: Api, openid: str, number: str, since: int) -> AnyLookup:
    match api:
        case Api.ORDER | Api.AFTER_SALE:
            return order(openid, since, api)
        case Api.PAID:
            return paid(openid, number, since)
        case Api.INFO:
            return followed(openid, since)
        case Api.BATCH:
            return seen(openid, since)


def add(p: Planner, naive: Naive, lookup: AnyLookup, tag: int, now: int) -> None:
    finished = p.add(lookup, tag, now)
    learned = [naive.known[k] for k in {lookup.key, same_person(lookup)} if k in naive.known]
    fresh = [at for at in learned if at + MEMORY_MS > now]
    outdated = lookup.api is Api.INFO and all(at < lookup.since_ms for at in fresh)
    full = sum(LANES[a.api] == LANES[lookup.api] for a in naive.lookups.values())
    if lookup.by_ms <= now:
        expected: LookupOutcome | None = LookupOutcome.LATE_READ
    elif fresh and not outdated:
        expected = LookupOutcome.KNOWN
    elif lookup.key in naive.waiting:
        expected = None
    else:
        expected = LookupOutcome.OVERFLOW if full >= WAITING else None
    assert (finished.outcome if finished else None) is expected
    if finished is None:
        naive.waiting.setdefault(lookup.key, []).append(tag)
        naive.lookups.setdefault(lookup.key, lookup)
    else:
        naive.finished[tag] = finished.outcome


def same_person(lookup: AnyLookup) -> tuple[str, str, str]:
    return (*lookup.origin, "") if isinstance(lookup, Lookup) else lookup.key


def check_call(naive: Naive, call: ApiCall, now: int) -> None:
    limit = call.api, call.appid
    assert 1 <= len(call.lookups) <= (BATCH_MAX if call.api is Api.BATCH else 1)
    under_way = {lookup.key for other in naive.on_the_way for lookup in other.lookups}
    for lookup in call.lookups:
        assert lookup.key in naive.waiting
        assert lookup.by_ms > now
        assert lookup.key not in under_way
    assert naive.closed[limit] <= now
    made = naive.calls[limit]
    assert sum(at > now - 1_000 for at in made) < 2 * PER_S
    assert sum(day_of(at) == day_of(now) for at in made) < DAILY
    made.append(now)
    naive.on_the_way.append(call)


def answer(p: Planner, naive: Naive, verdict: Verdict, found: bool, draw: float, now: int) -> None:
    if not naive.on_the_way:
        return
    call = naive.on_the_way.pop(0)
    names = [o.openid if isinstance(o, Lookup) else o.number for o in call.lookups]
    limit = call.api, call.appid
    until = {
        Verdict.SLOWER: now + SLOWER_MS,
        Verdict.APP_REFUSED: now + PAUSE_MS,
        Verdict.QUOTA: start_of(day_of(now) + 1),
    }.get(verdict, 0)
    naive.closed[limit] = max(naive.closed[limit], until)
    finished = answered(p, call, verdict, names if found else [], now, draw)
    for one in finished:
        if verdict is Verdict.OK:
            assert one.outcome in (FOUND if found else NOT_FOUND)
        elif verdict is Verdict.REFUSED and call.api is not Api.BATCH:
            assert one.outcome is LookupOutcome.REFUSED
        else:
            assert one.lookup.by_ms <= now
    note(naive, finished, now)


def note(naive: Naive, finished: list[FinishedLookup], now: int) -> None:
    for one in finished:
        assert isinstance(one.tag, int)
        assert one.tag not in naive.finished
        naive.finished[one.tag] = one.outcome
        naive.waiting.pop(one.lookup.key, None)
        naive.lookups.pop(one.lookup.key, None)
        if one.outcome in LEARNED[type(one.lookup)]:
            bound = one.outcome is LookupOutcome.BOUND
            key = same_person(one.lookup) if bound else one.lookup.key
            naive.known[key] = now
            naive.known.move_to_end(key)
            if len(naive.known) > WAITING:
                naive.known.popitem(last=False)
