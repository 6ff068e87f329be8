"""Topic ``privacy.requests``: consent, erasure, access to one's data, wrong binds undone."""

from __future__ import annotations

from typing import Literal

from schemas.base import Id, UnionConsumerId
from schemas.identifiers import CustomerIdentifier, Origin

CONSENT_GRANTED = "consent.granted.v1"
CONSENT_WITHDRAWN = "consent.withdrawn.v1"
UNBIND_REQUESTED = "unbind.requested.v1"
ERASE_REQUESTED = "erase.requested.v1"
EXPORT_REQUESTED = "export.requested.v1"


class _Answer(CustomerIdentifier):
    channel: Literal["oa", "mini_program", "till", "crm", "web", "mall", "wechat"]


class ConsentGranted(_Answer):
    """``text_version`` is the id of the notice the person saw, ``channel`` where.

    ``oa`` is the Official Account, ``till`` a point of sale, ``mall`` the authorisation of a mall
    (智慧商圈), ``wechat`` WeChat's own pages.
    """

    text_version: Id


class ConsentWithdrawn(_Answer):
    """``text_version`` is the notice whose consent ends, if the person named one.

    ``wechat``: made of an unsubscribe, a revoked authorisation, or an account that was given up.
    """

    text_version: Id | None = None


class EraseRequested(CustomerIdentifier):
    """Forget this person: everything that happened up to the event's time.

    It reaches all that is known to be the same person by then. What happens later is kept, and
    counts for nothing until the person consents anew.
    """


class ExportRequested(CustomerIdentifier):
    """Give out everything that is known about this person, on ``shadow.exports``."""


class UnbindRequested(Origin):
    """The origin is not this consumer, whatever any event has said or will say.

    For a phone which has changed hands, or an id which proved to be shared. ``consumer_id`` is
    the profile it was bound to (``union.…``).
    """

    consumer_id: UnionConsumerId
