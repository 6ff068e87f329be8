# SPDX-License-Identifier: Apache-2.0
"""All limits on what outsiders can multiply; docs/promises.md lists them.

What is over a limit is refused by name, counted and left alone; nothing fails because of it.
"""

from __future__ import annotations

from typing import Final

from schemas.offers import CHANNELS_MAX, ORIGINS_MAX

#: Aliases of one origin, with which it shares what it knows of who it is.
ALIASES_PER_ORIGIN_MAX: Final = 32
#: Reports of a birthday which one origin may have brought.
BIRTHDAYS_PER_ORIGIN_MAX: Final = 20
#: Union IDs which one origin may be claimed to be, and which its aliases may have sent it.
CLAIMS_PER_ORIGIN_MAX: Final = 16
#: Answers about consent which one origin may have given; a withdrawal is taken up to twice as many.
CONSENTS_PER_ORIGIN_MAX: Final = 500
#: Enrolments which one origin may have brought.
ENROLMENTS_PER_ORIGIN_MAX: Final = 20
#: ms between an event's ``time`` and the time in its data; WeChat repeats itself for 24 h 4 min.
ENVELOPE_FACT_MAX_MS: Final = 172_800_000
#: Origins which an offer lists: those with the latest facts of the consumer.
ORIGINS_IN_OFFER_MAX: Final = ORIGINS_MAX
#: Origins of one consumer; one more stays apart.
ORIGINS_PER_PROFILE_MAX: Final = 200
#: Bytes which touches of one origin come to at most, even if all are refunded: some 15,000 payments
#: or 29,000 which earn nothing. So they go in one record below 1 MB wherever the origin goes.
ORIGIN_BYTES_MAX: Final = 960_000
#: Bytes of a page of touches, each stored under a key of its own.
PAGE_BYTES_MAX: Final = 48_000
#: Origins which may be said to have paid one order; a real one has two, the shop's and the mall's.
PAYERS_PER_PAYMENT_MAX: Final = 4
#: Points which one rule gives one touch: nine million of them stay below 2^53.
POINTS_PER_TOUCH_MAX: Final = 1_000_000_000
#: Refunds of one order; WeChat Pay allows as many.
REFUNDS_PER_PAYMENT_MAX: Final = 50
#: Reports of one order which differ in source or content.
REPORTS_PER_PAYMENT_MAX: Final = 12
#: ms by which what happened may be ahead of our clock; producers' clocks differ.
SKEW_MS: Final = 300_000
#: Subscriptions to notices which an offer lists.
SUBSCRIPTIONS_IN_OFFER_MAX: Final = CHANNELS_MAX - 3 * ORIGINS_MAX
#: Bytes of touches which stay in the value of an account; the others go to pages.
TAILS_BYTES_MAX: Final = 3_000
#: Touches of one origin, touchpoint and Shanghai day.
TOUCHES_PER_DAY_MAX: Final = 1_000
#: Consumers which one origin may be said not to be.
UNBINDS_PER_ORIGIN_MAX: Final = 32
#: Records which name a consumer only by one order, and wait for it.
WAITING_PER_PAYMENT_MAX: Final = 100
