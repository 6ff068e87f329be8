"""Topic ``privacy.requests``: consent of a person, given and taken back."""

from __future__ import annotations

from typing import Literal

from schemas.base import Id
from schemas.identifiers import CustomerIdentifier

CONSENT_GRANTED = "consent.granted.v1"
CONSENT_WITHDRAWN = "consent.withdrawn.v1"


class ConsentGranted(CustomerIdentifier):
    """``text_version`` is the id of the notice the person saw, ``channel`` where.

    ``oa`` is the Official Account, ``till`` a point of sale.
    """

    text_version: Id
    channel: Literal["oa", "mini_program", "till", "crm", "web"]


class ConsentWithdrawn(ConsentGranted):
    """``text_version`` is the notice whose consent ends."""
