# SPDX-License-Identifier: Apache-2.0
"""What a version says of nudges fits together; and what of it can hardly be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from stream.language import nudge_messages as say
from stream.language.yaml_messages import MISSING
from stream.rules.model import VersionEntry
from stream.rules.nudge_model import NudgeEntry
from stream.yaml_config.entries import entries, ids_differ
from stream.yaml_config.problems import Finding, Loc


def findings_about_nudges(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    """All findings about nudges in one version, a plain tree."""
    yield from ids_differ(version, "nudges", "id", at)
    for loc, entry in entries(version, "nudges", at):
        try:
            nudge = NudgeEntry.model_validate(entry)
        except ValidationError:
            continue
        for finding in _misfits(nudge, has_offers="offers" in version):
            yield finding._replace(loc=(*loc, *finding.loc))
    limits = version.get("nudge_limits")
    if isinstance(limits, dict) and "per_days" in limits and "most" not in limits:
        yield Finding((*at, "nudge_limits", "per_days"), say.DAYS_WITHOUT_MOST(), at_name=True)


def _misfits(nudge: NudgeEntry, *, has_offers: bool) -> Iterator[Finding]:
    if nudge.before_offer_ends_hours is not None:
        for name in ("after", "wait", "unless", "anchor", "expires_hours"):
            if name in nudge.model_fields_set:
                yield Finding((name,), say.NOT_BEFORE_OFFER_ENDS(), at_name=True)
        if not has_offers:
            yield Finding(("before_offer_ends_hours",), say.NO_OFFERS_END(), at_name=True)
        return
    if nudge.after is None:
        yield Finding((), say.FOLLOWS_NOTHING())
    elif nudge.wait is None:
        yield Finding(("wait",), MISSING())
    elif (nudge.wait.hours is None) is (nudge.wait.days is None):
        yield Finding(("wait",), say.HOURS_OR_DAYS())
    elif nudge.wait.at is not None and nudge.wait.days is None:
        yield Finding(("wait", "at"), say.CLOCK_WITHOUT_DAYS(), at_name=True)


def nudge_warnings(version: VersionEntry) -> Iterator[Finding]:
    """Findings about one version that passed all checks, relative to it."""
    if version.nudge_limits is not None and not version.nudges:
        yield Finding(("nudge_limits",), say.LIMITS_NOTHING(), at_name=True)
    for i, nudge in enumerate(version.nudges):
        if nudge.anchor == "each" and {*(nudge.after or ())} & {*(nudge.unless or ())}:
            yield Finding(("nudges", i, "anchor"), say.EACH_IS_THE_LATEST())
