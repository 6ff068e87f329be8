# SPDX-License-Identifier: Apache-2.0
"""Earn, post, offer: a message reaches an account, and this becomes of it."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.peers.job.offer import offer, withdraw
from benchmarks.peers.job.post import Output, entry
from benchmarks.peers.job.rules import CAP, POINTS, POINTS_PER_YUAN, RULE
from benchmarks.peers.job.state import Account, Bind, Merge, Message, Touch, load_account

_OFFSET_MS = 8 * 3_600_000
_DAY_MS = 86_400_000


class Applied(NamedTuple):
    """The account as it is now, what to publish, and what to send on to another account."""

    account: Account
    outputs: list[Output]
    onward: list[Message]


def apply(stored: Account | bytes | None, message: Message, as_of_ms: int) -> Applied:
    """One message to the account it is for."""
    account = load_account(stored) if isinstance(stored, bytes) else stored or Account()
    outputs: list[Output] = []
    if account.moved_to:
        if isinstance(message, Bind):
            return Applied(account, outputs, [])
        message.to = account.moved_to
        return Applied(account, outputs, [message])
    if isinstance(message, Bind):
        return _bind(account, message, as_of_ms)
    if isinstance(message, Merge):
        _merge(account, message, outputs, as_of_ms)
    else:
        _touch(account, message, outputs, as_of_ms)
    offer(account, message.to, message.cause, outputs, as_of_ms)
    return Applied(account, outputs, [])


def _touch(account: Account, touch: Touch, outputs: list[Output], as_of_ms: int) -> None:
    name = touch.touchpoint
    if touch.origin not in account.origins:
        account.origins.append(touch.origin)
    count = 0 if touch.again else 1
    if touch.again and not touch.fen_after:
        count = -1
    account.counts[name] = account.counts.get(name, 0) + count
    account.latest_ms = max(account.latest_ms, touch.time_ms)
    rule = RULE.get(name)
    if rule is None:
        return
    if name == "purchase":
        points = _of_payment(touch.fen_after) - _of_payment(touch.fen_before)
    else:
        points = POINTS[name]
    day = (touch.time_ms + _OFFSET_MS) // _DAY_MS
    change = _add(account, rule, day, points)
    if change:
        account.granted[rule] = account.granted.get(rule, 0) + change
        entry(account, touch.to, touch.cause, change, rule, outputs, as_of_ms)


def _of_payment(fen: int) -> int:
    return fen * POINTS_PER_YUAN // 100


def _add(account: Account, rule: str, day: int, points: int) -> int:
    """Add to what a rule gives for a day; how much of it is below the cap."""
    days = account.cells.setdefault(rule, {})
    before = days.get(day, 0)
    days[day] = after = before + points
    cap = CAP[rule]
    # Below 0 only while a payment is on its way from the origin and its refund is not.
    return max(0, min(cap, after)) - max(0, min(cap, before))


def _bind(origin: Account, bind: Bind, as_of_ms: int) -> Applied:
    """The account of an origin moves to the consumer; what still comes is sent after it."""
    outputs: list[Output] = []
    parting = Account(
        cells=origin.cells,
        granted=origin.granted,
        balance=origin.balance,
        counts=origin.counts,
        latest_ms=origin.latest_ms,
        origins=origin.origins,
    )
    if origin.balance:
        moved = -origin.balance
        entry(origin, bind.to, bind.cause, moved, "", outputs, as_of_ms, counterpart=bind.union)
    withdraw(origin, bind.to, bind.cause, "superseded", outputs, as_of_ms)
    onward: list[Message] = []
    if parting.origins:
        onward.append(Merge(bind.union, bind.cause, bind.to, parting))
    return Applied(Account(moved_to=bind.union), outputs, onward)


def _merge(account: Account, merge: Merge, outputs: list[Output], as_of_ms: int) -> None:
    """An origin's account joins; a cap which both had used up is used up once."""
    theirs, cause = merge.account, merge.cause
    if theirs.balance:
        moved = theirs.balance
        entry(account, merge.to, cause, moved, "", outputs, as_of_ms, counterpart=merge.origin)
    for name, count in theirs.counts.items():
        account.counts[name] = account.counts.get(name, 0) + count
    account.latest_ms = max(account.latest_ms, theirs.latest_ms)
    account.origins.append(merge.origin)
    for rule, days in theirs.cells.items():
        both = sum(_add(account, rule, day, points) for day, points in days.items())
        theirs_granted = theirs.granted.get(rule, 0)
        account.granted[rule] = account.granted.get(rule, 0) + both
        if both != theirs_granted:
            entry(account, merge.to, cause, both - theirs_granted, rule, outputs, as_of_ms)
