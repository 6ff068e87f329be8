# SPDX-License-Identifier: Apache-2.0
"""Nudges: tell the CRM which reminder is due to a consumer, and take it back when it is void.

What holds follows from the facts and ``as_of``. Quiet hours, the limit of nudges in some days and
``once_per_ms`` of each only delay the telling; a nudge that is over by then is never told. One that
was told is taken back at once when it no longer holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas import format_ms, traits
from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.control_group import is_kept_out
from stream.engine.model.decision import Cause, Publish
from stream.engine.model.ids import digest
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.state import Account, Nudged, ToldNudge
from stream.engine.points.balance import AccountView
from stream.engine.points.nudge_times import Due, Schedule, schedule_of
from stream.engine.points.offer_blocks import Live, live_offer, may_contact
from stream.engine.points.offer_content import reachable
from stream.engine.points.reachability import channels_of
from stream.engine.points.traits import message


def schedules(
    key: str, account: Account, view: AccountView, book: RuleBook, as_of: int
) -> Iterator[tuple[Nudge, Schedule]]:
    """Each nudge of the rules in force, and when it holds, whoever may be told of it."""
    rules = book.at(as_of)
    policy = rules.nudges if rules else None
    if policy is None:
        return
    ends = None
    if any(not nudge.after for nudge in policy.nudges) and view.enrolment is None:
        live = live_offer(key, account, view, book, as_of)
        ends = live.valid_until if isinstance(live, Live) else None
    for nudge in policy.nudges:
        yield nudge, schedule_of(nudge, policy, view.recent, ends, as_of)


def announce(account: Account, view: AccountView, book: RuleBook, cause: Cause) -> list[Publish]:
    """Publish which nudges are due that were not told, and which were told and hold no more.

    Wakes the view when one becomes due, or may be told.
    """
    rules = book.at(cause.as_of)
    if rules is None or rules.nudges is None:
        return retract(account, cause, "rules")
    if not may_contact(view, rules, cause.as_of):
        return retract(account, cause, "consent")
    if is_kept_out(cause.control, cause.key, account):
        return retract(account, cause, "control_group")
    outputs: list[Publish] = []
    held: list[tuple[Nudge, Due]] = []
    told = account.nudged or Nudged()
    for id_ in sorted(told.live.keys() - {nudge.id for nudge in rules.nudges.nudges}):
        outputs += _withdraw(account, told, id_, cause, "rules")
    for nudge, schedule in schedules(cause.key, account, view, book, cause.as_of):
        known = told.live.get(nudge.id)
        if known is not None and (schedule.now is None or schedule.now.anchor != known.anchor):
            outputs += _withdraw(account, told, nudge.id, cause, "facts")
            known = None
        if schedule.now is not None and known is None:
            held.append((nudge, schedule.now))
        if schedule.upcoming is not None:
            view.wake(schedule.upcoming.due)
        if schedule.now is not None and nudge.each:  # the next may follow
            view.wake(schedule.now.ends)
    for nudge, due in held:
        if (at := _may_tell(told, nudge, rules.nudges, cause.as_of)) > cause.as_of:
            if at < due.ends:
                view.wake(at)
            continue
        outputs.append(_tell(account, told, nudge, due, rules, cause))
    return outputs


def retract(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """Take back all that was told and is not over."""
    told = account.nudged
    if told is None:
        return []
    outputs = [o for id_ in sorted(told.live) for o in _withdraw(account, told, id_, cause, reason)]
    if reason == "erased":
        account.nudged = None
    return outputs


def nudge_id(key: str, nudge: str, anchor: int) -> str:
    """Of one nudge to one consumer after one anchor (ms), however often it is told."""
    return digest("nudge", key, nudge, anchor)


def _may_tell(told: Nudged, nudge: Nudge, policy: NudgePolicy, as_of: int) -> int:
    """From when on (ms) it may be told, as far as is known now."""
    at = as_of
    if nudge.once_per_ms and nudge.id in told.last:
        at = max(at, told.last[nudge.id] + nudge.once_per_ms)
    if policy.most:
        days = sorted(map(day_of, told.times))
        counting = [day for day in days if day > day_of(at) - policy.per_days]
        if len(counting) >= policy.most:
            at = max(at, start_of(counting[-policy.most] + policy.per_days))
    return policy.audible(at)


def _tell(
    account: Account, told: Nudged, nudge: Nudge, due: Due, rules: RuleSet, cause: Cause
) -> Publish:
    assert rules.nudges is not None
    account.nudged = told
    id_ = nudge_id(cause.key, nudge.id, due.anchor)
    told.live[nudge.id] = ToldNudge(id_, due.anchor, due.ends)
    told.last[nudge.id] = cause.as_of
    if rules.nudges.most:
        told.times = [*told.times, cause.as_of][-rules.nudges.most :]
    body: dict[str, Any] = {
        "nudge_id": id_,
        "nudge": nudge.id,
        "anchor_at": format_ms(due.anchor),
        "due_at": format_ms(due.due),
        "expires_at": format_ms(due.ends),
        "channels": channels_of(account, reachable(account), cause.as_of),
        "ruleset_version": rules.version,
    }
    return message(account, cause, traits.NUDGE_DUE, body, due.due)


def _withdraw(
    account: Account, told: Nudged, id_: str, cause: Cause, reason: str
) -> Iterator[Publish]:
    """Nobody is told of one that is over: the CRM knows its end."""
    known = told.live.pop(id_)
    if known.ends > cause.as_of:
        body = {"nudge_id": known.nudge_id, "nudge": id_, "reason": reason}
        yield message(account, cause, traits.NUDGE_WITHDRAWN, body)
