# SPDX-License-Identifier: Apache-2.0
"""Judge the past by a version of the rules as if it had been in force then."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.ruleset import RuleBook


class NoSuchVersion(Exception):
    """The rules have no version of that number; the text says which they have."""


def as_if(book: RuleBook, number: int, from_ms: int) -> RuleBook:
    """The rules with a version in force from an instant (ms) on, and no other one after it."""
    draft = book.by_version.get(number)
    if draft is None:
        known = ", ".join(map(str, book.by_version)) or "none"
        raise NoSuchVersion(f"There is no version {number}; the rules have: {known}.")
    before = [v for v in book.versions if v.effective_ms < from_ms and v.version != number]
    return replace(book, versions=(*before, replace(draft, effective_ms=from_ms)))
