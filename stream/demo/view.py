# SPDX-License-Identifier: Apache-2.0
"""Show the progress of the demo: a block that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from stream.demo.output_totals import LiveOffer, Outputs
from stream.engine.model.outcomes import Outcome

#: The most plain lines of progress.
PLAIN_LINES_MAX = 12
_ORDER = (
    Outcome.APPLIED,
    Outcome.MEMBER,
    Outcome.DUPLICATE,
    Outcome.PARKED,
    Outcome.LATE,
    Outcome.REFUSED,
    Outcome.DEAD,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The figures shown at one instant."""

    elapsed_s: float
    inputs: int  # records of the day
    published: int
    counts: Mapping[str, int]  # records by outcome, dead ones included
    accounts: int  # with points
    bound: int
    balance: int  # points
    live_offers: int
    newest: tuple[LiveOffer, ...]

    @property
    def done(self) -> int:
        return sum(self.counts.values())


def frame_of(
    outputs: Outputs, counts: Mapping[str, int], *, elapsed_s: float, inputs: int, published: int
) -> Frame:
    """The frame of this instant; ``counts`` without dead letters."""
    return Frame(
        elapsed_s,
        inputs,
        published,
        {**counts, Outcome.DEAD: sum(outputs.dead.values())},
        accounts=sum(map(bool, outputs.balances.values())),
        bound=outputs.bound,
        balance=sum(outputs.balances.values()),
        live_offers=len(outputs.live),
        newest=tuple(outputs.newest),
    )


def block(frame: Frame, width: int) -> list[str]:
    """The lines of the redrawn block, none wider than ``width`` columns."""
    share = frame.done / frame.inputs if frame.inputs else 1.0
    bar = "█" * int(share * 30)
    by_outcome = "   ".join(f"{outcome} {frame.counts.get(outcome, 0):,}" for outcome in _ORDER)
    lines = [
        f"{bar:<30} {frame.done:,} of {frame.inputs:,} records   {frame.elapsed_s:.1f} s",
        f"published {frame.published:,}   {by_outcome}",
        f"accounts {frame.accounts:,}   binds {frame.bound:,}   points {frame.balance:,}"
        f"   live offers {frame.live_offers:,}",
        "newest offers:",
    ]
    for offer in reversed(frame.newest):
        lines += [f"  {offer.text[language]}" for language in sorted(offer.text, reverse=True)]
    return [fit(line, width) for line in lines]


def plain_line(frame: Frame) -> str:
    """One line of progress."""
    applied, duplicate = frame.counts.get("applied", 0), frame.counts.get("duplicate", 0)
    return (
        f"{frame.elapsed_s:5.1f} s  {frame.done:,} of {frame.inputs:,} records  "
        f"applied {applied:,}  duplicate {duplicate:,}  dead {frame.counts.get('dead', 0):,}  "
        f"accounts {frame.accounts:,}  binds {frame.bound:,}  offers {frame.live_offers:,}"
    )


def fit(line: str, width: int) -> str:
    """Cut a line to ``width`` columns; Chinese characters take two."""
    taken = 0
    for index, char in enumerate(line):
        taken += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if taken > width:
            return line[: max(0, index - 1)].rstrip() + "…"
    return line


class View:
    """Shows frames on a stream: redrawn on a terminal, as plain lines elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._height = 0
        self._tenths = -1
        self._offers_shown = False

    def show(self, frame: Frame) -> None:
        """Show the progress."""
        if self._live:
            self._redraw(block(frame, shutil.get_terminal_size().columns - 1))
            return
        if frame.newest and not self._offers_shown:
            self._offers_shown = True
            for language in sorted(frame.newest[0].text, reverse=True):
                self._write(f"first offer: {frame.newest[0].text[language]}")
        tenths = (PLAIN_LINES_MAX - 2) * frame.done // max(frame.inputs, 1)
        if tenths > self._tenths:
            self._tenths = tenths
            self._write(plain_line(frame))

    def say(self, line: str) -> None:
        """Print a line that stays; the block is drawn below it."""
        self._height = 0
        self._write(line)

    def _redraw(self, lines: list[str]) -> None:
        if self._height:
            self._stream.write(f"\x1b[{self._height}A")
        for line in lines:
            self._stream.write(f"\x1b[2K{line}\n")
        self._height = len(lines)
        self._stream.flush()

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
