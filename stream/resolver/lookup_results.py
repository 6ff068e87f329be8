# SPDX-License-Identifier: Apache-2.0
"""How lookups end, in the words of the metrics, and the API calls that carry them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stream.resolver.lookups import AnyLookup, Api, Lookup


class LookupOutcome(StrEnum):
    """How a lookup ends. Those of the last two groups are misses."""

    BOUND = "bound"  # it found the Union ID
    KNOWN = "known"  # the result was known already
    NO_UNIONID = "no_unionid"  # WeChat has none: a payer who does not follow
    PUBLISHED = "published"  # what was paid for the order is in Kafka
    REFUNDED = "refunded"  # and what the after-sale gave back
    UNPAID = "unpaid"  # nobody has paid for the order
    NO_PURCHASE = "no_purchase"  # pay later, a draw, points, or nothing to pay
    NO_REFUND = "no_refund"  # no money went back: an exchange, or not finished
    ERASED = "erased"  # the person was erased after the event
    REFUSED = "refused"  # WeChat refuses this lookup

    NO_TRANSACTION = "no_transaction"  # the order has no payment of WeChat Pay's
    UNREADABLE = "unreadable"  # WeChat's answer lacks what a payment needs
    UNKNOWN_APP = "unknown_app"  # the hint is of no shop with an AppSecret

    LATE_EVENT = "late_event"  # the event reached Kafka after the deadline
    LATE_READ = "late_read"  # the event reached Kafka in time, and was read after the deadline
    LATE_ANSWER = "late_answer"  # WeChat did not answer before the deadline
    OVER_QUOTA = "over_quota"  # no calls were left before the deadline
    APP_REFUSED = "app_refused"  # WeChat refuses all calls of the app
    OVERFLOW = "overflow"  # too many lookups were waiting


#: WeChat has not answered: ask again later.
GIVEN_UP: Final = frozenset(
    {
        LookupOutcome.LATE_EVENT,
        LookupOutcome.LATE_READ,
        LookupOutcome.LATE_ANSWER,
        LookupOutcome.OVER_QUOTA,
        LookupOutcome.APP_REFUSED,
        LookupOutcome.OVERFLOW,
    }
)
MISSED: Final = GIVEN_UP | {
    LookupOutcome.NO_TRANSACTION,
    LookupOutcome.UNREADABLE,
    LookupOutcome.UNKNOWN_APP,
}


@dataclass(frozen=True, slots=True)
class FinishedLookup:
    """A lookup that has ended. ``tag`` is the one that it was added with."""

    lookup: AnyLookup
    outcome: LookupOutcome
    tag: Hashable


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One API call: one lookup or, with batchget, up to a hundred."""

    api: Api
    appid: str
    lookups: tuple[AnyLookup, ...]

    @property
    def people(self) -> tuple[Lookup, ...]:
        """Those of its lookups that ask for a Union ID."""
        return tuple(lookup for lookup in self.lookups if isinstance(lookup, Lookup))

    @property
    def by_ms(self) -> int:
        """The earliest deadline of its lookups."""
        return min(lookup.by_ms for lookup in self.lookups)
