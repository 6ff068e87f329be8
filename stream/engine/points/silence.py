"""Find when a consumer had not been heard of for so many days.

That follows from everything heard, whatever became of it, so it stays true after a return: an offer
to somebody who was silent is not over when they come back.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.page import Column
from stream.engine.model.state import OriginFacts

_NEVER_MS = 2**62


def silences(facts_by_origin: Iterable[OriginFacts], wanted: Iterable[int]) -> dict[int, Column]:
    """For so many days each: the instants (ms), in order, at which they had been silent.

    The last one is ahead where they are not yet.
    """
    heard: list[Column] = [np.array([], np.int64)]
    for origin_facts in facts_by_origin:
        singly = [consent.time for consent in origin_facts.consents.values()]
        if origin_facts.archived is not None:
            singly.append(origin_facts.archived.latest)
        for page in origin_facts.touches.pages:
            singly += [touch.time for touch in page.odd.values()]
            if page.rows:
                heard.append(page.columns()[0])
        heard.append(np.array(singly, np.int64))
    times = np.unique(np.concatenate(heard))
    following = np.append(times[1:], _NEVER_MS)[: len(times)]
    found = {}
    for days in wanted:
        ends = times + days * DAY_MS
        found[days] = ends[following > ends]
    return found
