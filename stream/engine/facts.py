"""A fact: one business event about a consumer, as the engine keeps it."""

from __future__ import annotations

import msgspec

from stream.engine.ruleset import Value

#: Above any sum of refunds. A rank is so many whole steps for how sure it is who paid, and a rest.
RANK_STEP = 10**15


class Fact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One business event, known by its business key whoever sent it and how often.

    ``rank`` makes the fact a register: of two facts with one key, the one with the higher rank
    holds. The rest of a payment's rank by ``RANK_STEP`` is its cumulative refund in fen; that of a
    check-in is 1 once reverted. Any rest means that something was taken back.
    ``fields`` are what rules may test (``stream.engine.fields``); for a payment the amounts are
    net of the refunds which ``rank`` stands for.
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
