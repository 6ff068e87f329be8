# SPDX-License-Identifier: Apache-2.0
"""Problems of a configuration file: where they are, and sentences on how to fix them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.language import yaml_messages as say
from stream.language.message import Language, Phrase, Said, listed

#: The path to a value from the top of the file: setting names and list indexes (from 0).
Loc = tuple[str | int, ...]

_SHOWN_CHARS_MAX = 40


class Finding(NamedTuple):
    """A message about the value at ``loc`` or, with ``at_name``, about its name.

    ``offset``: from the value's first character to the one that the message is about.
    """

    loc: Loc
    message: Phrase
    at_name: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Problem(Phrase):
    """A finding with its position; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    where: Phrase | str
    message: Phrase

    def text(self, language: Language) -> str:
        where = self.where.text(language) if isinstance(self.where, Phrase) else self.where
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {where}: {self.message.text(language)}"


class FileInvalid(Exception):
    """A file is invalid; ``problems`` has every reason, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class RulesInvalid(FileInvalid):
    """The rule file cannot be used."""


class AppsInvalid(FileInvalid):
    """The directory of apps cannot be used."""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems in the order of their files, each once."""
    return tuple(sorted(dict.fromkeys(problems), key=_order))


def _order(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, str(problem.where)


def path_of(loc: Loc) -> Phrase | str:
    """``("versions", 0, "earn")`` as ``versions[0].earn``; the top of the file is ``file``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{shorten(part)}"
    return text.removeprefix(".") or say.WHOLE_FILE()


def shorten(text: str) -> str:
    """``text`` shortened to fit one line of a message."""
    line = "".join(c if c.isprintable() else "?" for c in text[: _SHOWN_CHARS_MAX + 1])
    return line if len(line) <= _SHOWN_CHARS_MAX else line[: _SHOWN_CHARS_MAX - 1] + "…"


def shown(value: object) -> str:
    """A value from the file, short enough for a message."""
    return shorten(str(value))


def suggestion(word: str, known: Iterable[str]) -> Said:
    """``did you mean 'x'? `` and the known words."""
    words = sorted(known)
    if not words:
        return say.NO_CHOICE()
    if near := _nearest(shorten(word), words):
        return say.DID_YOU_MEAN(near=near, words=listed(words))
    return say.THERE_IS(words=listed(words))


def _nearest(word: str, words: Sequence[str]) -> str | None:
    """The most similar word; a difference in case alone is none."""
    folded = {known.casefold(): known for known in words}
    near = difflib.get_close_matches(word.casefold(), folded, n=1)
    return folded[near[0]] if near else None
