# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.rules``: the versions of the earning rules, past ones and those to come.

Key: the number of the version. A record without value cancels a version that has not begun.
The latest record of a version counts; once it has begun, it never changes. Under ``campaign-`` and
its id stands the end of a campaign whose budget is exhausted.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import StringConstraints

from schemas.base import Closed, Name, Points, Time
from schemas.offers import Version

RULESET_PUBLISHED = "ruleset.published.v1"
CAMPAIGN_ENDED = "campaign.ended.v1"
RULESET_BYTES_MAX: Final = 4_194_304


class CampaignEnded(Closed):
    """What happens from ``ends_at`` on counts no more for a campaign: its budget is exhausted.

    ``granted`` are the points that it had added for all consumers when that was seen. What happened
    before ``ends_at`` still counts, whenever it is heard of. Of several the earliest holds.
    """

    campaign: Name
    ends_at: Time
    budget: Points
    granted: Points


class RulesetPublished(Closed):
    """A version, in force from ``effective`` until the next one's.

    ``content`` is the rules (docs/rules.md): fractions as text, such as ``25/2``, spans in ms, days
    and hours as ``2026-08-16..2026-08-20`` and ``22:00-02:00``.
    ``fingerprint`` changes whenever the content does.
    """

    ruleset_version: Version
    effective: Time
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    content: dict[str, Any]
