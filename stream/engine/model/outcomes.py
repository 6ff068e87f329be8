# SPDX-License-Identifier: Apache-2.0
"""The outcomes of input records; every record gets exactly one (promise P1)."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """In order of precedence: the first that fits is the record's outcome."""

    DEAD = "dead"  # cannot be read: its bytes are on the dead-letter topic
    REFUSED = "refused"  # policy: consent withdrawn, a virtual (snapshot) user
    DUPLICATE = "duplicate"  # the same business event was there before
    LATE = "late"  # older than the horizon within which duplicates are known
    PARKED = "parked"  # waits for its payment or for consent
    MEMBER = "member"  # happened after enrolment: the loyalty programme's business
    APPLIED = "applied"
