# SPDX-License-Identifier: Apache-2.0
"""Say nothing about fewer than 20 people: which counts of a table are left out.

A count over fewer is hidden. Where a sum of counts is known and what is hidden in it is over fewer
than 20 people together, as far as one can tell, the smallest other count is hidden, too: else the
sum less the counts that are shown would give it away (secondary suppression; Hundepool et al.,
Statistical Disclosure Control, 2012, chapter 4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.report.figures.counts import Count, Key


def is_too_few(count: Count) -> bool:
    """Whether a count is over some people, but fewer than 20."""
    return count.people < PEOPLE_MIN and bool(count.people or count.amount)


def lines(keys: Iterable[Key], positions: Collection[int]) -> list[list[Key]]:
    """The counts that add up to something: those that differ at one of these positions alone."""
    found: dict[tuple[int, Key], list[Key]] = defaultdict(list)
    for key in keys:
        for at in positions:
            found[at, (*key[:at], *key[at + 1 :])].append(key)
    return list(found.values())


def hidden(counts: Mapping[Key, Count], sums: Sequence[Sequence[Key]]) -> set[Key]:
    """The keys of the counts to hide, where those of each of ``sums`` add up to a known sum."""
    gone = {key for key, count in counts.items() if is_too_few(count)}
    again = bool(gone)
    while again:
        again = False
        for line in sums:
            mine = [counts[key].people for key in line if key in gone]
            others = [key for key in line if key not in gone and counts[key].people]
            # People may be in several counts, so that only the largest is sure.
            if mine and others and max(mine) < PEOPLE_MIN:
                gone.add(min(others, key=lambda key: (counts[key].people, key)))
                again = True
    return gone
