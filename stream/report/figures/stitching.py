# SPDX-License-Identifier: Apache-2.0
"""How many origins are known by Union ID, by app and by how long ago they were first met."""

from __future__ import annotations

from collections import Counter

from stream.engine.model.calendar import day_of
from stream.engine.model.ids import origin_parts
from stream.engine.model.state import Account
from stream.report.figures.counts import Key
from stream.report.figures.history import History
from stream.report.figures.periods import ARCHIVED, age_name


def stitching_figures(
    found: Counter[Key], key: str, account: Account, past: History, as_of: int
) -> None:
    """Add the origins of one consumer."""
    origins = {o: facts for o, facts in account.facts_by_origin.items() if o}
    appids = {origin_parts(origin)[0] for origin in origins}
    # A profile of aliases is named after one of them, as if its app were the account.
    known = key.startswith("union.") and key.split(".")[1] not in appids
    for origin, facts in origins.items():
        appid, first = origin_parts(origin)[0], past.met.get(origin)
        if facts.archived is not None:
            age = ARCHIVED
        elif first is not None:
            age = age_name(day_of(as_of) - first)
        else:
            continue
        for place in (("stitch", appid, age), ("stitch_by_app", appid)):
            found[*place, "origins"] += 1
            found[*place, "bound" if known else "unbound"] += 1
