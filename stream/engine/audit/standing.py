# SPDX-License-Identifier: Apache-2.0
"""Where a consumer stands: classes with what is missing to more, and how far rules have come."""

from __future__ import annotations

from typing import Any

from stream.engine.model.calendar import day_of, shanghai
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.engine.points.balance import AccountView
from stream.engine.points.incremental import state_after
from stream.engine.points.kinds import kind_of
from stream.engine.points.nudges import schedules
from stream.engine.points.traits import missing


def classes_of(view: AccountView, book: RuleBook, as_of: int) -> dict[str, Any] | None:
    """Level, stage, scores and tags at ``as_of`` (ms); ``None`` if the rules know none."""
    rules = book.at(as_of)
    policy = rules.classes if rules else None
    if policy is None:
        return None
    found = {name: value for name, value in view.classes.items() if value}
    found["tags"] = [*view.classes["tags"]]
    if policy.tiers is not None:
        found |= missing(view, policy.tiers, as_of)
        found["window_days"] = policy.tiers.window_days or None
    return found


def nudges_of(
    key: str, account: Account, view: AccountView, book: RuleBook, as_of: int
) -> list[dict[str, Any]]:
    """Each nudge that is due at ``as_of`` (ms) or going to be, and whether the CRM was told."""
    told = account.nudged.live if account.nudged else {}
    return [
        {
            "nudge": nudge.id,
            "anchor_at": shanghai(due.anchor),
            "due_at": shanghai(due.due),
            "expires_at": shanghai(due.ends),
            "due": due is schedule.now,
            "told": nudge.id in told and told[nudge.id].anchor == due.anchor,
        }
        for nudge, schedule in schedules(key, account, view, book, as_of)
        for due in schedule
        if due is not None
    ]


def progress_of(view: AccountView, book: RuleBook, as_of: int) -> list[dict[str, Any]]:
    """How far each rule that counts several days together is on the way to its next points."""
    rules, found = book.at(as_of), []
    for rule in rules.rules.values() if rules else ():
        memory, newest = kind_of(rule).memory, view.newest.get(rule.id)
        if memory is not None:
            state = state_after(rule, newest, book) if newest is not None else ()
            progress = memory.progress(rule, state, day_of(as_of))
            found.append({"rule": rule.id, "done": progress.done, "of": progress.of})
    return found
