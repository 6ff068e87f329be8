# SPDX-License-Identifier: Apache-2.0
"""Dead letters: those that are selected, without their contents, and their replay."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas import Reason
from stream.config.settings import Settings
from stream.desk.sources import Sources
from stream.desk.table import table, when
from stream.kafka.connection_errors import explained
from stream.kafka.dead_letter_reader import DeadLetter, DeadLetterQueue, Replayed, Selection
from stream.kafka.dead_letter_replay import Counts, Replay, SourceTopics
from stream.kafka.publisher import publisher_of
from stream.language import desk_messages as m
from stream.language.message import Phrase
from stream.report.page import Section

LETTERS_MAX: Final = 100  # shown at once


class Filter(NamedTuple):
    """What somebody wants to see; empty is everything."""

    reason: str = ""
    topic: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], settings: Settings) -> Filter:
        """From a form; what is no reason and no source topic is left out."""
        reason, topic = given.get("reason", ""), given.get("topic", "")
        known = reason in {one.value for one in Reason}
        return cls(reason if known else "", topic if topic in settings.topics.sources else "")

    @property
    def selection(self) -> Selection:
        reasons = frozenset({Reason(self.reason)} if self.reason else ())
        return Selection(reasons, frozenset({self.topic} if self.topic else ()))


async def letters_page(sources: Sources, wanted: Filter) -> list[Section]:
    """The newest of those selected, and how many there are of each reason."""
    shown: deque[DeadLetter] = deque(maxlen=LETTERS_MAX)
    counts: Counter[str] = Counter()
    async with sources.kafka(), DeadLetterQueue(sources.settings) as queue:
        replayed = await queue.replayed()
        async for letter in queue.letters(wanted.selection):
            counts[letter.reason] += 1
            shown.append(letter)
    latest = sorted(shown, key=lambda letter: letter.time_ms, reverse=True)
    rows = [_row(letter, replayed) for letter in latest]
    headings = [
        m.H_PLACE(), m.H_TIME(), m.H_ORIGINAL(), m.H_REASON(), m.H_MESSAGE(), m.H_SIZE(),
        m.H_STATE(),
    ]  # fmt: skip
    note = m.LETTERS_NOTE() if rows else m.NO_LETTERS()
    reasons = table(
        "reasons", m.BY_REASON(), m.NO_LETTERS() if not rows else m.RECORDS_COUNTED(),
        [m.H_REASON(), m.H_RECORDS()], sorted(counts.items()), bars=1,
    )  # fmt: skip
    return [reasons, table("letters", m.P_LETTERS(), note, headings, rows)]


def _row(letter: DeadLetter, replayed: Replayed) -> tuple[Phrase | str | int, ...]:
    if replayed.is_erased(letter):
        state = m.IS_ERASED()
    else:
        state = m.IS_REPLAYED() if letter.place in replayed else m.IS_WAITING()
    place = f"{letter.place.partition}@{letter.place.offset}"
    original = str(letter.original or "?")
    time = when(letter.time_ms)
    return place, time, original, letter.reason, letter.message, letter.size, state


async def replay(sources: Sources, wanted: Filter, *, really: bool) -> Counts:
    """Replay what is selected and was not replayed before; else only count it."""
    settings = sources.settings
    async with sources.kafka(), DeadLetterQueue(settings) as queue:
        replayed = await queue.replayed()
        publisher = publisher_of(settings)
        destination = SourceTopics(settings.topics, publisher.publish)
        if not really:
            return await Replay(queue, replayed, destination, None).run(wanted.selection)
        async with explained(settings), publisher:
            return await Replay(queue, replayed, destination, publisher.publish).run(
                wanted.selection
            )
