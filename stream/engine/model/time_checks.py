# SPDX-License-Identifier: Apache-2.0
"""Reject events from the future, events that are too old, and events with two different times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas import Reason, time_ms
from schemas.registry import SOURCE_OF, SOURCES
from schemas.source import Role
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.limits import ENVELOPE_FACT_MAX_MS, SKEW_MS

_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """The event can never be applied as it is: a dead letter."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Horizons:
    """Days within which a repeated event is recognised; payments and refunds have their own."""

    days: int
    payment_days: int


def _types(*roles: Role) -> frozenset[str]:
    return frozenset(source.type for source in SOURCES if source.role in roles)


#: Of these each is kept, or they ask for something: a repetition does no harm at any age, so that
#: members of years ago can be reported.
REGISTERS: Final = _types(Role.ENROLMENT, Role.CONSENT, Role.BIRTHDAY, Role.REQUEST)
_PAYMENTS: Final = _types(Role.PAYMENT, Role.REFUND)
#: The time in the data of a reversal is that of the event which it takes back.
_REVERSALS: Final = _types(Role.REVERSAL)


def happened_ms(type_: str, data: Any, at_ms: int) -> int:
    """When it happened (ms): the data of an event of ``at_ms`` say so, or else ``at_ms``."""
    happened = SOURCE_OF[type_].happened
    return at_ms if happened is None else time_ms(happened(data))


def untimely(
    type_: str, data: Any, at_ms: int, horizons: Horizons, recorded_ms: int, now_ms: int
) -> Rejected | None:
    """Why the times of an event of ``at_ms`` make it a dead letter; ``None`` if they do not.

    ``recorded_ms`` is when it reached its topic, ``now_ms`` the clock.
    """
    happened = happened_ms(type_, data, at_ms)
    if max(at_ms, happened) > now_ms + SKEW_MS:
        return Rejected(
            Reason.IN_FUTURE,
            "The event time is ahead of now; correct the producer's clock, then replay.",
        )
    if type_ in _REVERSALS:
        apart = happened > at_ms + ENVELOPE_FACT_MAX_MS
    else:
        apart = abs(happened - at_ms) > ENVELOPE_FACT_MAX_MS
    if apart:
        return Rejected(
            Reason.TIMES_DIFFER,
            f"The event's time and the time in its data are more than "
            f"{ENVELOPE_FACT_MAX_MS // _HOUR_MS} hours apart; both must say when it happened.",
        )
    if type_ in REGISTERS:
        return None
    days = horizons.payment_days if type_ in _PAYMENTS else horizons.days
    if happened >= recorded_ms - days * DAY_MS:
        return None
    return Rejected(
        Reason.TOO_LATE,
        f"The event happened more than {days} days before it was published; after that time "
        "nothing tells whether it is a duplicate.",
    )
