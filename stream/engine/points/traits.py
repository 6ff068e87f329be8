# SPDX-License-Identifier: Apache-2.0
"""Traits: tell the CRM what kind of customer somebody is, whenever that is no longer as told.

A change of level is told at once. A change of stage, of scores or of tags waits for the cool-down
of its own kind; one that is undone meanwhile is never told. Without consent nothing is told, and
what was told is taken back.
"""

from __future__ import annotations

from typing import Any

from schemas import format_ms, traits
from stream.engine.model.classes import ClassPolicy, Stage, Tiers
from stream.engine.model.control_group import marks
from stream.engine.model.decision import Cause, Channel, Publish
from stream.engine.model.ids import digest
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.state import Account, Standing, Told
from stream.engine.points.balance import AccountView
from stream.engine.points.classes.timeline import TOLD
from stream.engine.points.offer_blocks import may_contact


def announce(account: Account, view: AccountView, book: RuleBook, cause: Cause) -> list[Publish]:
    """Publish how the consumer's classes differ from what the CRM was told of them.

    Wakes the view where a cool-down delays it.
    """
    standing, rules = view.standing, book.at(cause.as_of)
    if standing is None or rules is None or rules.classes is None:
        return retract(account, cause, "rules")
    if not may_contact(view, rules, cause.as_of):
        return retract(account, cause, "consent")
    telling = _Telling(account, view, rules, rules.classes, standing, cause)
    return [*telling.tier(), *telling.segment(), *telling.tags()]


def retract(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """Take back all that was told."""
    told = account.told
    if told is None:
        return []
    account.told = None
    bodies: list[tuple[str, dict[str, Any]]] = []
    if told.tier:
        bodies.append((traits.TIER_CHANGED, _from_to(told.tier, "")))
    if said := _segment(told):
        bodies.append((traits.SEGMENT_CHANGED, {"from": said}))
    if told.tags:
        bodies.append((traits.TAGS_CHANGED, {"tags": [], "added": [], "removed": told.tags}))
    return [message(account, cause, type_, body | {"reason": reason}) for type_, body in bodies]


class _Telling:
    """Compares one account's classes with what was told, and tells."""

    def __init__(
        self,
        account: Account,
        view: AccountView,
        rules: RuleSet,
        policy: ClassPolicy,
        standing: Standing,
        cause: Cause,
    ) -> None:
        self._account, self._view, self._rules, self._policy = account, view, rules, policy
        self._now, self._cause = standing, cause
        self._told = account.told or Told()

    def tier(self) -> list[Publish]:
        """A change of level."""
        told, now = self._told, self._now
        if told.tier == now.tier:
            return []
        body = _from_to(told.tier, now.tier)
        if self._policy.tiers is None:
            body["reason"] = "rules"
        else:
            body |= missing(self._view, self._policy.tiers, self._cause.as_of)
        told.tier = now.tier
        return [self._tell(traits.TIER_CHANGED, body, "tier")]

    def segment(self) -> list[Publish]:
        """A change of stage or of scores."""
        told, now = self._told, self._now
        was, is_ = _segment(told), _segment(now)
        if was == is_ or self._must_wait(told.segment_at):
            return []
        body = {"from": was, "to": is_}
        told.lifecycle, told.rfm, told.segment_at = now.lifecycle, now.rfm, self._cause.as_of
        return [self._tell(traits.SEGMENT_CHANGED, body, "lifecycle", "rfm")]

    def tags(self) -> list[Publish]:
        """A change of tags."""
        told, now = self._told, self._now
        if told.tags == now.tags or self._must_wait(told.tags_at):
            return []
        body = {
            "tags": now.tags,
            "added": [tag for tag in now.tags if tag not in told.tags],
            "removed": [tag for tag in told.tags if tag not in now.tags],
        }
        told.tags, told.tags_at = list(now.tags), self._cause.as_of
        return [self._tell(traits.TAGS_CHANGED, body, "tags")]

    def _must_wait(self, told_at: int) -> bool:
        until = told_at + self._policy.cooldown_ms
        if not told_at or self._cause.as_of >= until:
            return False
        self._view.wake(until)
        return True

    def _tell(self, type_: str, body: dict[str, Any], *keys: str) -> Publish:
        self._account.told = self._told
        since = max([self._now.since[TOLD.index(key)] for key in keys] if self._now.since else [0])
        body |= {"ruleset_version": self._rules.version}
        return message(self._account, self._cause, type_, body, since)


def missing(view: AccountView, tiers: Tiers, as_of: int) -> dict[str, Any]:
    """The net spend that counts now, and how much more reaches the next level, if there is one."""
    standing = view.standing
    assert standing is not None
    spent = view.history.spent(as_of) if view.history is not None else standing.spent
    held = tiers.place(standing.tier)
    if held == len(tiers.levels):
        return {"spent_fen": spent}
    above = tiers.levels[held]
    return {"spent_fen": spent, "next": above.id, "missing_fen": max(0, above.from_fen - spent)}


def _segment(known: Told | Standing) -> dict[str, str]:
    """Stage and scores; of a prospect, nothing."""
    said = {"rfm": known.rfm} if known.rfm else {}
    if known.lifecycle and known.lifecycle != Stage.PROSPECT:
        said["lifecycle"] = known.lifecycle
    return said


def _from_to(was: str, now: str) -> dict[str, Any]:
    return {name: level for name, level in (("from", was), ("to", now)) if level}


def message(
    account: Account, cause: Cause, type_: str, body: dict[str, Any], since: int = 0
) -> Publish:
    """A message about a consumer's traits; ``since`` (ms): when it became so, 0: now."""
    account.traits += 1
    id_ = digest("trait", cause.key, account.traits, cause.id, type_)
    head = {
        "consumer_id": cause.key,
        "revision": account.traits,
        "since": format_ms(since or cause.as_of),
        "as_of": format_ms(cause.as_of),
    }
    body = head | body | marks(cause.control, cause.key, account)
    return Publish(Channel.TRAITS, type_, id_, cause.key, cause.as_of, body)
