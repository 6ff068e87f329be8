# SPDX-License-Identifier: Apache-2.0
"""Comparing two shares: an interval for their difference, a check of the groups, people needed.

The formulas are short and no library of the lock file has them (numpy has no such tests).
"""

from __future__ import annotations

from math import ceil, erfc, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

_Z: Final = NormalDist().inv_cdf(0.975)  # two-sided, 95 %
_POWER_Z: Final = NormalDist().inv_cdf(0.8)
#: Groups so unlike what was drawn are not compared (Fabijan et al., "Diagnosing Sample Ratio
#: Mismatch in Online Controlled Experiments", KDD 2019, take a similar bound).
MISMATCH_BELOW: Final = 0.001


class Group(NamedTuple):
    """How many did something, of how many."""

    did: int
    of: int

    @property
    def share(self) -> float:
        return self.did / self.of


class Interval(NamedTuple):
    """From ``low`` to ``high``."""

    low: float
    high: float


def wilson(group: Group) -> Interval:
    """The 95 % score interval of a share (Wilson 1927), without continuity correction."""
    did, of = group
    share, z2 = group.share, _Z * _Z
    middle = did + z2 / 2
    width = _Z * sqrt(z2 / 4 + of * share * (1 - share))
    return Interval((middle - width) / (of + z2), (middle + width) / (of + z2))


def difference(one: Group, other: Group) -> Interval:
    """The 95 % interval of ``one.share - other.share``; neither group is empty.

    Method 10 of R. G. Newcombe, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), 873-890. With few
    sign-ups it holds what it says where the usual interval (Wald) does not.
    """
    a, b = wilson(one), wilson(other)
    middle = one.share - other.share
    low = sqrt((one.share - a.low) ** 2 + (b.high - other.share) ** 2)
    high = sqrt((a.high - one.share) ** 2 + (other.share - b.low) ** 2)
    return Interval(middle - low, middle + high)


def sample_ratio_p(control: int, expected: float, variance: float) -> float:
    """How likely chance alone makes a control group so unlike ``expected``; 1 without variance.

    Pearson's chi-square test with one degree of freedom; ``variance`` is that of the number of
    people in the control group, each of them drawn by itself.
    """
    if not variance:
        return 1.0
    return erfc(sqrt((control - expected) ** 2 / variance / 2))


def people_needed(one: Group, other: Group) -> int | None:
    """How many more people, split as they are, would show a difference as large as this one.

    With 80 % power at the two-sided level of 5 % (Fleiss, Levin and Paik, Statistical Methods for
    Rates and Proportions, 3rd ed. 2003, section 4.2, without continuity correction). ``None``: no
    number would, since there is no difference.
    """
    gap = one.share - other.share
    if not gap:
        return None
    ratio = one.of / other.of
    spread = one.share * (1 - one.share) / ratio + other.share * (1 - other.share)
    wanted = (_Z + _POWER_Z) ** 2 * spread / gap**2
    return max(0, ceil(wanted * (1 + ratio)) - one.of - other.of)
