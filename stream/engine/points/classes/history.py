# SPDX-License-Identifier: Apache-2.0
"""What a consumer's classes are at each instant, by the version of the rules that is in force then.

What a rule grants in a cell may depend on them, so a cell has one value of all that rules ask. It
begins anew when something bought has changed that; a midnight begins a cell anyway.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from stream.engine.model.classes import UNCLASSED, Classes, ClassPolicy, fits
from stream.engine.model.ruleset import EarningRule, RuleBook, rule_of
from stream.engine.model.state import Standing
from stream.engine.points.classes.bought import Day
from stream.engine.points.classes.timeline import EVER, NEVER, Timeline

#: Measure -> cell -> what its touches earned.
_Cells = dict[str, dict[int, int]]


class History:
    """The classes of one consumer under a whole rule book."""

    def __init__(self, book: RuleBook, days: Sequence[Day]) -> None:
        self.days = days
        self._book = book
        self._timelines: list[tuple[ClassPolicy, Timeline]] = []

    def timeline(self, policy: ClassPolicy) -> Timeline:
        """By one version's definitions; versions which define the same share one."""
        for known, timeline in self._timelines:
            if known is policy or known == policy:
                return timeline
        timeline = Timeline(self.days, policy)
        self._timelines.append((policy, timeline))
        return timeline

    def judging(self, time: int) -> Classes:
        """Those by which an event at ``time`` (ms) is judged."""
        rules = self._book.at(time)
        if rules is None or rules.classes is None:
            return UNCLASSED
        return self.timeline(rules.classes).judging(time)

    def standing(self, as_of: int) -> Standing:
        """The classes at ``as_of`` (ms), and what may be added to them."""
        rules = self._book.at(as_of)
        begins = rules.effective_ms if rules else EVER
        if rules is None or rules.classes is None:
            return Standing(begins=begins, leaves=NEVER, cell=EVER)
        standing = self.timeline(rules.classes).standing(as_of, begins)
        standing.cell = self.rise(as_of + 1)
        return standing

    def next_change(self, as_of: int) -> int | None:
        """When time alone changes them, ms; by the version in force at ``as_of``."""
        rules = self._book.at(as_of)
        if rules is None or rules.classes is None:
            return None
        return self.timeline(rules.classes).next_change(as_of)

    def spent(self, as_of: int) -> int:
        """The net spend (fen) which counts for a tier at ``as_of`` (ms)."""
        rules = self._book.at(as_of)
        if rules is None or rules.classes is None:
            return 0
        return self.timeline(rules.classes).spent(as_of)

    def rise(self, time: int) -> int:
        """The last of ``rises`` that is not after ``time``."""
        return self.rises[bisect_right(self.rises, time) - 1]

    @cached_property
    def rises(self) -> list[int]:
        """From when on (ms) events are judged otherwise since something was bought."""
        found = [EVER]
        ends = [*(version.effective_ms for version in self._book.versions[1:]), -EVER]
        for version, end in zip(self._book.versions, ends, strict=True):
            if version.classes is None or not version.judged:
                continue
            line, before = self.timeline(version.classes), None
            for cut, instant, classes in zip(line.cuts, line.instants, line.classes, strict=True):
                asked = asked_by(version.judged, classes)
                if asked != before and cut > instant and version.effective_ms < cut < end:
                    found.append(cut)
                before = asked
        return found

    def admit(self, cells: _Cells) -> None:
        """Drop the cells of rules which were not for the consumer then."""
        for name in self._book.asking.intersection(cells):
            parts = cells[name]
            for at in [at for at in parts if not self.is_for(name, at)]:
                del parts[at]

    def is_for(self, name: str, at: int) -> bool:
        """Whether a measure's rule was for the consumer in a cell."""
        rules = self._book.at(at)
        rule = rules.rules.get(rule_of(name)) if rules else None
        return rule is None or not rule.who or fits(rule.who, self.judging(at))


def multiplied(rule: EarningRule, earned: int, classes: Classes) -> int:
    """What a cell earned, by the multiplier of the level; a fraction of a point is dropped."""
    factor = rule.by_tier.get(classes["tier"]) if rule.by_tier else None
    return earned if factor is None else int(earned * factor)


def asked_by(judged: Sequence[EarningRule], classes: Classes) -> list[object]:
    """All that the rules ask about somebody of these classes."""
    return [
        (fits(rule.who, classes), rule.by_tier and rule.by_tier.get(classes["tier"]))
        for rule in judged
    ]
