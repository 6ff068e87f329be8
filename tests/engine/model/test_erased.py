# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.decision import Send
from stream.engine.model.erased import forget_messages, forgets, merged
from stream.engine.model.messages import Erase, ErasureMark
from stream.engine.model.state import Erased
from tests.engine.build import MEI
from tests.support.books import DAY, START

T = START + DAY


def test_the_instant_itself_is_forgotten_and_what_is_later_is_not() -> None:
    assert forgets(Erased(T), T)
    assert not forgets(Erased(T), T + 1)
    assert not forgets(None, 0)


def test_of_two_erasures_the_later_holds_and_that_the_person_asked() -> None:
    assert merged(Erased(5, True), 7, False) == Erased(7, True)
    assert merged(Erased(7), 5, True) == Erased(7, True)
    assert merged(None, 5, False) == Erased(5)


def test_the_mark_goes_before_the_erasure() -> None:
    assert forget_messages(MEI, Erased(T, True)) == [
        Send(MEI, ErasureMark(T, True)),
        Send(MEI, Erase(T, True)),
    ]
