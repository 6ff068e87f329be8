# SPDX-License-Identifier: Apache-2.0
"""The traits topic as the CRM reads it: at rest it says of everybody what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.traits import NUDGE_DUE, NUDGE_WITHDRAWN, SEGMENT_CHANGED, TIER_CHANGED

_NOBODY = {"tier": "", "lifecycle": "prospect", "rfm": "", "tags": ()}


def is_customer(classes: Mapping[str, Any]) -> bool:
    """Whether somebody has bought anything; an account may be there for other reasons."""
    return any(classes[key] not in ("", "prospect") for key in ("tier", "lifecycle", "rfm"))


def told(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The classes of all customers, by the types and bodies of events in their order.

    Each must follow from the one before.
    """
    found: dict[str, dict[str, Any]] = {}
    revisions: dict[str, int] = {}
    for type_, body in events:
        if type_ in (NUDGE_DUE, NUDGE_WITHDRAWN):
            continue
        who = body["consumer_id"]
        known = found.setdefault(who, dict(_NOBODY))
        anew = known == _NOBODY and body["revision"] == 1  # an erasure ends all that was
        assert anew or body["revision"] > revisions.get(who, 0), body
        revisions[who] = body["revision"]
        if type_ == TIER_CHANGED:
            assert body.get("from", "") == known["tier"], body
            known["tier"] = body.get("to", "")
        elif type_ == SEGMENT_CHANGED:
            known |= {"lifecycle": "prospect", "rfm": ""} | body.get("to", {})
        else:
            tags = {*known["tags"], *body["added"]} - {*body["removed"]}
            assert tags == {*body["tags"]}, body
            known["tags"] = tuple(body["tags"])
    return {who: classes for who, classes in found.items() if is_customer(classes)}


def nudged(
    events: Iterable[tuple[str, Mapping[str, Any]]], as_of: str
) -> dict[str, dict[str, str]]:
    """By consumer and nudge, after what (a time as in events) it is due, as the CRM knows.

    None is told twice, and none taken back that is not there.
    """
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for type_, body in events:
        key = body["consumer_id"], body.get("nudge", "")
        if type_ == NUDGE_DUE:
            assert key not in found or found[key]["expires_at"] <= body["as_of"], body
            assert body["due_at"] <= body["as_of"] < body["expires_at"], body
            found[key] = body
        elif type_ == NUDGE_WITHDRAWN:
            assert found.pop(key)["nudge_id"] == body["nudge_id"], body
    due: dict[str, dict[str, str]] = {}
    for (who, nudge), body in found.items():
        if body["expires_at"] > as_of:
            due.setdefault(who, {})[nudge] = body["anchor_at"]
    return due
