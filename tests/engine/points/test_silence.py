from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.state import Answer, ArchivedTotals, Consent, OriginFacts
from stream.engine.model.touches import Touch, Touches
from stream.engine.points.silence import silences
from tests.support.books import DAY, HOUR, START

hours = st.lists(st.integers(0, 40), max_size=8)


@given(hours, hours, hours, st.none() | st.integers(0, 40))
def test_silence_ends_with_whatever_is_heard(
    plain: list[int], odd: list[int], answers: list[int], archived: int | None
) -> None:
    def at(number: int) -> int:
        return START + number * 6 * HOUR

    touches = [Touch(at(n), 8, seen=1) for n in plain] + [Touch(at(n), 8, rank=1) for n in odd]
    facts = [
        OriginFacts(Touches.of({b"%06d" % n: touch for n, touch in enumerate(touches)})),
        OriginFacts(consents={b"%d" % n: Consent(at(n), Answer.GRANTED) for n in answers}),
    ]
    if archived is not None:
        facts[1].archived = ArchivedTotals(latest=at(archived))
    heard = {*plain, *odd, *answers, *([] if archived is None else [archived])}
    for days in (1, 3):
        quiet = [n for n in sorted(heard) if not heard & {*range(n + 1, n + days * 4 + 1)}]
        expected = [at(n) + days * DAY for n in quiet]
        assert silences(facts, [days])[days].tolist() == expected


def test_of_nobody_nothing_is_silent() -> None:
    assert silences([], [9])[9].tolist() == []
