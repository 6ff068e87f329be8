# SPDX-License-Identifier: Apache-2.0
"""Erasing: everything about a person up to an instant is forgotten, by request or after idle years.

An account that forgets sends the message on to its origins, an origin to its profile; so it reaches
all that is known to be one person, from wherever it began. What is later than the instant stays: it
is a new beginning. What comes again from before it is refused, then and for ever.
"""

from __future__ import annotations

from stream.engine.model.decision import Send
from stream.engine.model.messages import Erase, ErasureMark
from stream.engine.model.state import Erased, OriginFacts


def forgets(erased: Erased | None, time: int) -> bool:
    """Whether what happened at ``time`` (ms) is erased."""
    return erased is not None and time <= erased.at


def merged(known: Erased | None, at: int, asked: bool) -> Erased:
    """What is known to be erased after one more erasure."""
    return (known or Erased()).merged(Erased(at, asked))


def forget_messages(key: str, erased: Erased) -> list[Send]:
    """To the entity with this key: forget. The mark goes first, so that nothing can come back."""
    mark, erase = ErasureMark(erased.at, erased.asked), Erase(erased.at, erased.asked)
    return [Send(key, mark), Send(key, erase)]


def forget_message_of_origin(origin: str, erased: Erased, by: str) -> Send:
    """If it is still known to be the person behind ``by``, it forgets."""
    return Send(origin, Erase(erased.at, erased.asked, by))


def holds_erased(origin_facts: OriginFacts, erased: Erased) -> bool:
    """Whether some of its facts are erased."""
    kinds = (origin_facts.touches, *origin_facts.stated)
    times = (fact.time for facts in kinds for fact in facts.values())
    archived = origin_facts.archived is not None and origin_facts.archived.latest <= erased.at
    return archived or any(time <= erased.at for time in times)


def is_blank(origin_facts: OriginFacts) -> bool:
    """Whether an origin has no facts."""
    return not (origin_facts.touches or origin_facts.archived or any(origin_facts.stated))
