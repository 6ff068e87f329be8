# SPDX-License-Identifier: Apache-2.0
"""The stage of a customer's life: by how many days ago the last purchase was."""

from __future__ import annotations

from collections.abc import Sequence

from stream.engine.model.classes import Lifecycle, Stage
from stream.engine.points.classes.bought import NUMBER, Day
from stream.engine.points.classes.changes import Change, aged, fallen, risen

_BY_AGE = (Stage.ACTIVE.value, Stage.COOLING.value, Stage.SILENT.value, Stage.LAPSED.value)


def stages(days: Sequence[Day], lifecycle: Lifecycle) -> list[Change]:
    """The stage since the first purchase."""
    borders = lifecycle.active_days, lifecycle.silent_days, lifecycle.lapsed_days
    found = [change._replace(value=_BY_AGE[change.value]) for change in aged(days, borders)]
    if not days or days[0].purchases[0][NUMBER] > 1:
        return found
    ends = fallen(days[0].day + lifecycle.new_days, Stage.ACTIVE.value)
    first = [purchase for here in days[:2] for purchase in here.purchases[:2]]
    if len(first) > 1:
        ends = min(ends, risen(first[1][0], Stage.ACTIVE.value))
    new = found[0]._replace(value=Stage.NEW.value)
    return [new, ends, *[change for change in found[1:] if change.cut >= ends.cut]]
