# SPDX-License-Identifier: Apache-2.0
"""A fact: one business event about a consumer, as the engine keeps it."""

from __future__ import annotations

import msgspec

from stream.engine.model.birthday import Birthday
from stream.engine.model.ruleset import Value

#: Above any sum of refunds. The rank of a payment is whole steps, for its reports, and a rest.
RANK_STEP = 10**15

#: Of a payment in dispute: above any other rank. Who paid is not known; its records are refused.
DISPUTED_RANK = 4_000 * RANK_STEP + 1


class Fact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One business event, known by its business key, however often it is sent.

    ``rank`` makes the fact a register: of two facts with one key, the one with the higher rank
    holds. The rest of a payment's rank by ``RANK_STEP`` is its cumulative refund in fen; that of a
    check-in is 1 once reverted. Any rest means that something was taken back.
    ``fields`` are what rules may test (``stream.engine.model.fields``); for a payment the amounts
    are net of the refunds that ``rank`` counts. ``lines`` are the articles of an order.
    """

    key: str
    type: str  # CloudEvents type of the event
    event_id: str  # CloudEvents id of the event
    time: int  # ms; when it happened (of a reversal: when the reversed event happened)
    touchpoint: int = 0  # 0: no touchpoint (enrolment, consent)
    fields: dict[str, Value] = {}
    rank: int = 0
    reversal: bool = False  # the input record took another one back
    member_id: str = ""  # of an enrolment
    birthday: Birthday | None = None
    lines: list[dict[str, str | int]] = []  # sorted, each article once, what is not known left out
