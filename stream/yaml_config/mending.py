# SPDX-License-Identifier: Apache-2.0
"""Find the lookalikes that make a file invalid: without them it would be right.

A lookalike is never wrong in itself, since texts may have it. So this replaces some, reads the file
again, and names those whose replacement helps. The problems that are left are those of the mended
file, at their places in the file as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Generic, TypeVar

from stream.language import yaml_messages as say
from stream.language.message import Phrase, Said
from stream.yaml_config.lookalikes import (
    LOOKALIKES,
    PAIRS,
    ends_in_quotes,
    is_slip_in_word,
    lookalikes_in,
    right_for,
    sentence_about,
)
from stream.yaml_config.problems import Finding, Loc, Problem, path_of
from stream.yaml_config.reader import Document, Unparsable

_M = TypeVar("_M")

LINES_BEFORE: Final = 10  # the parser stops at a slip, or so many lines below
CANDIDATES_MAX: Final = 40  # for one slip
READINGS_MAX: Final = 200  # of a file; fewer of a large one
_CHARACTERS_READ_MAX: Final = 5_000_000
_ROUNDS_MAX: Final = 6  # of replacing characters in values
_BEGINS_LINE: Final = re.compile(rf"^ *([{''.join(map(re.escape, LOOKALIKES))}])", re.MULTILINE)
_SPACES: Final = frozenset(" \u3000\u00a0")
_BRACES: Final = re.compile("[{｛][^{}｛｝]*[}｝]|[{}｛｝]")


@dataclass(frozen=True, slots=True)
class Judged(Generic[_M]):
    """What reading a text came to: where it stopped, or a document with its findings."""

    stopped: Unparsable | None = None
    document: Document | None = None
    model: _M | None = None
    findings: Sequence[Finding] = ()

    @property
    def problems(self) -> list[Problem]:
        """All of them, with their places."""
        if self.stopped is not None:
            return [self.stopped.problem]
        assert self.document is not None
        return [self.document.problem(finding) for finding in self.findings]


Judge = Callable[[str], Judged[_M]]


@dataclass(frozen=True, slots=True)
class Mended:
    """A text with some characters replaced, by one or two others."""

    original: str
    right: Mapping[int, str] = field(default_factory=dict)  # by index in the original

    @property
    def text(self) -> str:
        characters = list(self.original)
        for at, right in self.right.items():
            characters[at] = right
        return "".join(characters)

    def replacing(self, indexes: Iterable[int]) -> Mended:
        """The same with the lookalikes at these indexes of the original replaced, too."""
        more = {at: right_for(self.original, at) for at in indexes}
        return Mended(self.original, {**self.right, **more})

    def index(self, at: int) -> int:
        """The index in the original of what is at ``at`` in the text."""
        for longer in self._longer():
            if longer >= at:
                break
            at -= 1
        return at

    def problem(self, problem: Problem) -> Problem:
        """The problem at its place in the original."""
        begin = self.begin_of(problem.line)
        before = bisect_left(longer := self._longer(), begin)
        column = problem.column
        for at in longer[before:]:
            if at - begin >= column - 1:
                break
            column -= 1
        return Problem(problem.file, problem.line, column, problem.where, problem.message)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of an index of the original."""
        return self.original.count("\n", 0, at) + 1, at - self.original.rfind("\n", 0, at)

    def _longer(self) -> list[int]:
        return sorted(at for at, right in self.right.items() if len(right) > 1)

    def begin_of(self, line: int) -> int:
        """The index of the original at which a line begins, the first being 1."""
        begin = 0
        for _ in range(line - 1):
            begin = self.original.find("\n", begin) + 1
        return begin


def problems_of(text: str, file: str, judged: Judged[_M], judge: Judge[_M]) -> list[Problem]:
    """The problems of a text that was ``judged`` invalid, slips named as such."""
    if not lookalikes_in(text) and "\t" not in text:
        return judged.problems
    reader = _Reader(judge, min(READINGS_MAX, max(10, _CHARACTERS_READ_MAX // (len(text) + 1))))
    mended, judged = _with_syntax(Mended(text), judged, reader)
    if judged.stopped is None:
        mended, judged = _with_values(mended, judged, reader)
    slips = [_slip(mended, at, file, judged.document) for at in mended.right]
    if judged.stopped is not None and (tab := _tab(mended, judged.stopped, file)):
        return [*slips, tab]
    problems = [mended.problem(problem) for problem in judged.problems]
    return [*slips, *_indentations(mended, problems, file), *problems]


class _Reader(Generic[_M]):
    """Judges texts, a limited number of times."""

    def __init__(self, judge: Judge[_M], readings: int) -> None:
        self._judge, self.left = judge, readings

    def judge(self, mended: Mended) -> Judged[_M]:
        self.left -= 1
        return self._judge(mended.text)


def _slip(mended: Mended, at: int, file: str, document: Document | None) -> Problem:
    line, column = mended.place(at)
    said = sentence_about(mended.original[at], mended.right[at])
    return Problem(file, line, column, path_of(_loc_of(mended, at, document)), said)


def _loc_of(mended: Mended, at: int, document: Document | None) -> Loc:
    """The name or value that has the character; the top of the file if it is in none."""
    for places in (document.names, document.values) if document else ():
        for loc, place in places.items():
            if mended.index(place.start) <= at < mended.index(place.end):
                return loc
    return ()


# where YAML cannot be read ------------------------------------------------------------------------


def _with_syntax(
    mended: Mended, judged: Judged[_M], reader: _Reader[_M]
) -> tuple[Mended, Judged[_M]]:
    """Replace lookalikes as long as that lets the parser come further."""
    while judged.stopped is not None and judged.stopped.at is not None:
        best, furthest = None, _reached(mended, judged)
        for indexes in _candidates(mended, judged.stopped):
            if not reader.left:
                break
            attempt = mended.replacing(indexes)
            after = reader.judge(attempt)
            if (reached := _reached(attempt, after)) > furthest:
                best, furthest = (attempt, after), reached
            if furthest == inf:
                break
        if best is None:
            break
        mended, judged = best
    return mended, judged


def _reached(mended: Mended, judged: Judged[_M]) -> float:
    """The index of the original at which the parser stopped."""
    if judged.stopped is None:
        return inf
    return mended.index(judged.stopped.at or 0)


def _candidates(mended: Mended, stopped: Unparsable) -> Iterator[list[int]]:
    """Lookalikes in the lines up to that where the parser stopped, the nearest first.

    Far above it only those that begin a line: they change what belongs to what. A character that
    opens something comes with the next that closes it, too.
    """
    text, at = mended.original, mended.index(stopped.at or 0)
    begin, end = at, text.find("\n", at)
    for _ in range(LINES_BEFORE + 1):
        begin = max(text.rfind("\n", 0, begin), 0)
    found = lookalikes_in(text, begin, len(text) if end < 0 else end)
    if stopped.since is not None:
        since = mended.index(stopped.since)
        line_end = text.find("\n", since)
        found += lookalikes_in(text, max(text.rfind("\n", 0, since), 0), line_end)
    found += [begun.start(1) for begun in _BEGINS_LINE.finditer(text, 0, begin)]
    left = [i for i in dict.fromkeys(found) if i not in mended.right]
    left.sort(key=lambda i: abs(at - i))
    for i in left[:CANDIDATES_MAX]:
        yield [i]
        closing = PAIRS.get(text[i])
        pair = text.find(closing, i + 1) if closing else -1
        if pair > 0 and "\n" not in text[i:pair]:
            yield [i, pair]


def _tab(mended: Mended, stopped: Unparsable, file: str) -> Problem | None:
    """A tab in the indentation of the line where the parser stopped, or of the one before."""
    at = mended.index(stopped.at or 0)
    end = mended.original.find("\n", at)
    begin = mended.original.rfind("\n", 0, mended.original.rfind("\n", 0, at) + 1 or 1)
    lines = mended.original[begin + 1 : None if end < 0 else end]
    index = begin + 1
    for line in lines.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            row, column = mended.place(index + indent.index("\t"))
            return Problem(file, row, column, path_of(()), say.TAB())
        index += len(line) + 1
    return None


def _indentations(mended: Mended, problems: Iterable[Problem], file: str) -> Iterator[Problem]:
    """Spaces that are none, before what problems are about: they are as wide as they look.

    So where a full-width one stands for two plain ones, one in its place does not help.
    """
    for row in sorted({problem.line for problem in problems}):
        begin = at = mended.begin_of(row)
        while mended.original[at : at + 1] in _SPACES:
            if mended.original[at] != " " and at not in mended.right:
                said = sentence_about(mended.original[at], " ")
                yield Problem(file, row, at - begin + 1, path_of(()), said)
            at += 1


# where values are invalid -------------------------------------------------------------------------


def _with_values(
    mended: Mended, judged: Judged[_M], reader: _Reader[_M]
) -> tuple[Mended, Judged[_M]]:
    """Replace lookalikes in the names and values that findings are about, where that helps."""
    tried: set[int] = set()
    for _ in range(_ROUNDS_MAX):
        suspects = {f: at for f in judged.findings if (at := _suspects(mended, judged, f, tried))}
        if not suspects:
            break
        tried.update(*suspects.values())
        after = reader.judge(mended.replacing(at for all_ in suspects.values() for at in all_))
        if after.stopped is not None:
            break
        left = {_kind(finding) for finding in after.findings}
        guilty = {i for f, at in suspects.items() if _kind(f) not in left for i in at}
        if guilty:
            mended = mended.replacing(guilty)
            judged = reader.judge(mended)
    return mended, judged


def _kind(finding: Finding) -> tuple[object, object]:
    said: Phrase = finding.message
    return finding.loc, said.message if isinstance(said, Said) else said


def _suspects(
    mended: Mended, judged: Judged[_M], finding: Finding, tried: set[int]
) -> tuple[int, ...]:
    """Lookalikes in what a finding is about: quotes around it, or placeholders, or any slips.

    So a text keeps its commas when only its braces are slips.
    """
    assert judged.document is not None
    place = judged.document.own_place(finding)
    if place is None:
        return ()
    start, end = mended.index(place.start), mended.index(place.end)
    text = mended.original[start:end]
    found = [i for i in lookalikes_in(text) if start + i not in tried]
    if not place.quoted and ends_in_quotes(text):
        chosen = [i for i in found if i in (0, len(text) - 1)]
    else:
        in_braces = {i for span in _BRACES.finditer(text) for i in range(*span.span())}
        chosen = [i for i in found if i in in_braces]
        chosen = chosen or [i for i in found if is_slip_in_word(text, i)]
    return tuple(start + i for i in chosen)
