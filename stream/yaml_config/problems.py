"""Problems of a configuration file: where they are, and sentences on how to fix them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

#: The path to a value from the top of the file: setting names and list indexes (from 0).
Loc = tuple[str | int, ...]

_SHOWN_CHARS_MAX = 40


class Finding(NamedTuple):
    """A message about the value at ``loc`` or, with ``at_name``, about its name."""

    loc: Loc
    message: str
    at_name: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A finding with its position; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.where}: {self.message}"


class FileInvalid(Exception):
    """A file is invalid; ``problems`` has every reason, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class RulesInvalid(FileInvalid):
    """The rule file cannot be used."""


class AppsInvalid(FileInvalid):
    """The directory of apps cannot be used."""


def path_of(loc: Loc) -> str:
    """``("versions", 0, "earn")`` as ``versions[0].earn``; the top of the file is ``file``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{shorten(part)}"
    return text.removeprefix(".") or "file"


def shorten(text: str) -> str:
    """``text`` shortened to fit one line of a message."""
    line = "".join(c if c.isprintable() else "?" for c in text[: _SHOWN_CHARS_MAX + 1])
    return line if len(line) <= _SHOWN_CHARS_MAX else line[: _SHOWN_CHARS_MAX - 1] + "…"


def quoted(value: object) -> str:
    """A value from the file, quoted and short enough for a message."""
    return f"'{shorten(str(value))}'"


def suggestion(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'? `` and the known words."""
    words = sorted(known)
    near = difflib.get_close_matches(shorten(word), words, n=1)
    guess = f"did you mean '{near[0]}'? " if near else ""
    return f"{guess}There is: {', '.join(words)}" if words else "there is none to choose from"
