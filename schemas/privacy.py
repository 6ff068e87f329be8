# SPDX-License-Identifier: Apache-2.0
"""Topic ``privacy.requests``: consent, erasure, data export, and unbinding of wrong binds."""

from __future__ import annotations

from typing import Literal

from schemas.base import Id, UnionConsumerId
from schemas.identifiers import CustomerIdentifier, Origin
from schemas.source import Role, Source, by_id
from schemas.topics import TOPIC_PRIVACY

CONSENT_GRANTED = "consent.granted.v1"
CONSENT_PAUSED = "consent.paused.v1"
CONSENT_WITHDRAWN = "consent.withdrawn.v1"
UNBIND_REQUESTED = "unbind.requested.v1"
ERASE_REQUESTED = "erase.requested.v1"
EXPORT_REQUESTED = "export.requested.v1"


class _Answer(CustomerIdentifier):
    channel: Literal["oa", "mini_program", "till", "crm", "web", "mall", "wechat"]


class ConsentGranted(_Answer):
    """``text_version`` is the id of the privacy notice, ``channel`` where the person saw it.

    ``oa`` is the Official Account, ``till`` a point of sale, ``mall`` the authorisation of a mall
    (智慧商圈), ``wechat`` WeChat's own pages.
    """

    text_version: Id


class ConsentPaused(_Answer):
    """The person unfollowed: nothing accrues and no offer is made until they agree again.

    Nothing is lost: events in the meantime wait for the next answer, as do those that waited
    before.
    """


class ConsentWithdrawn(_Answer):
    """``text_version`` is the notice whose consent ends, if the person named one.

    ``wechat``: from a revoked authorisation, or a closed WeChat account.
    """

    text_version: Id | None = None


class EraseRequested(CustomerIdentifier):
    """Forget this person: everything that happened up to the event's time.

    It applies to all ids known to be the same person at that time. Later events are kept, and count
    for nothing until the person consents again.
    """


class ExportRequested(CustomerIdentifier):
    """Publish all data about this person on ``shadow.exports``."""


class UnbindRequested(Origin):
    """The origin is not this consumer, whatever earlier or later events say.

    For a phone with a new owner, or an id that proved to be shared. ``consumer_id`` is
    the profile it was bound to (``union.…``).
    """

    consumer_id: UnionConsumerId


SOURCES = (
    Source(
        type=CONSENT_GRANTED,
        model=ConsentGranted,
        topics=(TOPIC_PRIVACY,),
        role=Role.CONSENT,
        key=by_id,
        payment="transaction_id",
        people=("openid", "unionid"),
    ),
    Source(
        type=CONSENT_PAUSED,
        model=ConsentPaused,
        topics=(TOPIC_PRIVACY,),
        role=Role.CONSENT,
        key=by_id,
        payment="transaction_id",
        reaches_all=True,
        people=("openid", "unionid"),
    ),
    Source(
        type=CONSENT_WITHDRAWN,
        model=ConsentWithdrawn,
        topics=(TOPIC_PRIVACY,),
        role=Role.CONSENT,
        key=by_id,
        payment="transaction_id",
        reaches_all=True,
        people=("openid", "unionid"),
    ),
    Source(
        type=UNBIND_REQUESTED,
        model=UnbindRequested,
        topics=(TOPIC_PRIVACY,),
        role=Role.REQUEST,
        key=by_id,
        people=("openid",),
    ),
    Source(
        type=ERASE_REQUESTED,
        model=EraseRequested,
        topics=(TOPIC_PRIVACY,),
        role=Role.REQUEST,
        key=by_id,
        payment="transaction_id",
        reaches_all=True,
        people=("openid", "unionid"),
    ),
    Source(
        type=EXPORT_REQUESTED,
        model=ExportRequested,
        topics=(TOPIC_PRIVACY,),
        role=Role.REQUEST,
        key=by_id,
        payment="transaction_id",
        reaches_all=True,
        people=("openid", "unionid"),
    ),
)
