# SPDX-License-Identifier: Apache-2.0
"""Find when a consumer had not been heard of for so many days.

That follows from everything heard, whatever became of it, so it stays true after a return: an offer
to somebody who was silent is not over when they come back.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.page import Column

_NEVER_MS = 2**62


def silences(heard: Iterable[Column], wanted: Iterable[int]) -> dict[int, Column]:
    """For so many days each: the instants (ms), in order, at which they had been silent.

    ``heard``: the times (ms) of all that was heard. The last instant is ahead where they are not
    silent yet.
    """
    times = np.unique(np.concatenate([np.array([], np.int64), *heard]))
    following = np.append(times[1:], _NEVER_MS)[: len(times)]
    found = {}
    for days in wanted:
        ends = times + days * DAY_MS
        found[days] = ends[following > ends]
    return found
