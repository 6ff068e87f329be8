# SPDX-License-Identifier: Apache-2.0
"""Whatever an origin has moves in one record below 1 MB, also if all of it is refunded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.decide import decide
from stream.engine.model.decision import Decision, Entity, Send
from stream.engine.model.facts import RANK_STEP, Fact
from stream.engine.model.ids import MARKER_BYTES
from stream.engine.model.messages import FactReceived, TransferIn, TransferOut, encode
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import EarningRule, Rate, RuleBook, RuleSet, Value
from stream.engine.model.state import Account, OriginFacts, Posted
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from tests.engine.build import login as login_at
from tests.engine.build import touches as some_touches
from tests.support.books import DAY, START

ORIGIN, UNION, OTHER = "origin.wxmp.oHeavy", "union.brand.uHeavy", "union.brand.uOther"
#: What Kafka's default leaves for a record's value and what surrounds it.
RECORD_BYTES_MAX = 1_000_000
#: What stands in a TransferIn besides the touches, and around those of one page.
BESIDES, PER_PAGE = 200, 64
LATER = START + 60 * DAY


def size(touches: Touches) -> int:
    touches.leave()
    return len(encode(UNION, TransferIn(ORIGIN, 1, OriginFacts(touches), Posted(), ORIGIN)))


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.none() | some_touches, st.integers(0, 3)), max_size=99
    )
)
def test_no_facts_exceed_what_was_counted(steps: list[tuple[int, Touch | None, int]]) -> None:
    """Set, taken out, set apart and sealed in whatever order."""
    touches = Touches()
    for number, touch, then in steps:
        marker = number.to_bytes(MARKER_BYTES)
        if touch is not None:
            touches[marker] = touch
        elif marker in touches:
            del touches[marker]
        if then == 1:
            touches.set_apart(marker)
        elif then == 2:
            touches.seal()
    assert size(touches) <= touches.most + BESIDES + PER_PAGE * len(touches.pages)


# the heaviest ------------------------------------------------------------------------------------


def purchase(n: int) -> Fact:
    fields: dict[str, Value] = {"total_fen": 1000 + n, "payer_total_fen": 1000 + n}
    return Fact(f"payment:{n}", "payment.succeeded.v1", f"e{n}", at(n), Touchpoint.PURCHASE, fields)


def page_view(n: int) -> Fact:
    return Fact(f"view:{n}", "page.viewed.v1", f"e{n}", at(n), Touchpoint.PAGE_VIEW, {})


def at(n: int) -> int:
    return START + n // 900 * DAY + n % 900


def rated(*ids: str) -> RuleBook:
    rate = Rate(Fraction(1))
    rules = {i: EarningRule(i, Touchpoint.PURCHASE, rate=rate) for i in ids}
    return RuleBook((RuleSet(1, 0, rules),))


HEAVY: dict[str, tuple[RuleBook, Callable[[int], Fact]]] = {
    "payments": (rated("till_purchase"), purchase),
    "payments by long names": (rated(*(f"{n:x}".ljust(32, "_") for n in range(9))), purchase),
    "page views": (rated(), page_view),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_the_heaviest_origin_moves_in_one_record(name: str) -> None:
    book, fact_of = HEAVY[name]
    state, number = filled(book, fact_of)
    for n in range(number):  # in part, so that the points stay
        refunded = msgspec.structs.replace(fact_of(n), rank=25 * RANK_STEP + 7)
        after = applied(book, state, refunded, counted=False)
        assert after is not None
        state = after

    login = FactReceived(login_at(LATER), ORIGIN, UNION)
    leaves = attach_of(decide(ORIGIN, state, login, book, LATER))
    joined = decide(UNION, None, leaves, book, LATER)
    assert isinstance(joined.state, Account)
    assert len(joined.state.facts_by_origin[ORIGIN].touches) == number
    goes_on = attach_of(decide(UNION, joined.state, TransferOut(ORIGIN, 2, OTHER), book, LATER))
    for move in (leaves, goes_on):
        assert len(move.facts.touches) == number
        assert 500_000 < len(encode(OTHER, move)) < RECORD_BYTES_MAX


def filled(book: RuleBook, fact_of: Callable[[int], Fact]) -> tuple[Entity, int]:
    """An origin which has all it may have, and how much that is."""
    state: Entity | None = None
    for number in count():
        more = applied(book, state, fact_of(number), counted=True)
        if more is None:
            break
        state = more
    assert state is not None
    assert number > 2_000
    return state, number


def applied(book: RuleBook, state: Entity | None, fact: Fact, *, counted: bool) -> Entity | None:
    """The origin after one fact more; nothing if it is refused."""
    message = FactReceived(fact, ORIGIN, counted=counted)
    decision = decide(ORIGIN, state, message, book, LATER, deferred=True)
    return None if decision.counts.get(Outcome.REFUSED) else decision.state


def attach_of(decision: Decision) -> TransferIn:
    sent = [output.message for output in decision.outputs if isinstance(output, Send)]
    (attach,) = [message for message in sent if isinstance(message, TransferIn)]
    return attach
