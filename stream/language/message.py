# SPDX-License-Identifier: Apache-2.0
"""What a sentence is: a message in both languages, said with its values.

Code says a message and passes it on; the language is chosen where the sentence is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from string import Formatter


class Language(StrEnum):
    """A language that sentences are shown in."""

    EN = "en"
    ZH = "zh"


_shown: ContextVar[Language] = ContextVar("language", default=Language.EN)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Show sentences in this language within the block."""
    token = _shown.set(language)
    try:
        yield
    finally:
        _shown.reset(token)


def language_of(environ: Mapping[str, str]) -> Language:
    """The language of a POSIX environment: ``zh_CN.UTF-8`` and the like are Chinese."""
    named = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, named), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


class Phrase:
    """A part of a sentence, or a whole one: ``str()`` shows it."""

    __slots__ = ()

    def text(self, language: Language) -> str:
        """The words in a language."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text(_shown.get())


#: What a message is filled with.
Value = str | int | Phrase


def _shown_in(value: Value, language: Language) -> str | int:
    return value.text(language) if isinstance(value, Phrase) else value


@cache
def placeholders(text: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in both languages, with the same placeholders; its id is its constant's name."""

    en: str
    zh: str

    def __call__(self, **values: Value) -> Said:
        """The sentence with its values; raises ``TypeError`` unless they are its placeholders."""
        if values.keys() != placeholders(self.en):
            raise TypeError(f"{self.en!r} is said with {sorted(values)}")
        return Said(self, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Said(Phrase):
    """A message with its values."""

    message: Message
    values: tuple[tuple[str, Value], ...] = ()

    def text(self, language: Language) -> str:
        template = self.message.zh if language is Language.ZH else self.message.en
        return template.format(**{n: _shown_in(value, language) for n, value in self.values})


@dataclass(frozen=True, slots=True)
class Listed(Phrase):
    """Several words: ``a, b or c``."""

    words: tuple[Value, ...]
    last: Message | None = None  # joins the last word to the others

    def text(self, language: Language) -> str:
        comma = "、" if language is Language.ZH else ", "
        words = [str(_shown_in(word, language)) for word in self.words]
        if self.last is None or len(words) < 2:
            return comma.join(words)
        return self.last(all=comma.join(words[:-1]), last=words[-1]).text(language)


_OR = Message("{all} or {last}", "{all} 或 {last}")
_AND = Message("{all} and {last}", "{all} 和 {last}")


def listed(words: Iterable[Value]) -> Listed:
    """``a, b, c``."""
    return Listed(tuple(words))


def either(words: Iterable[Value]) -> Listed:
    """``a, b or c``."""
    return Listed(tuple(words), _OR)


def both(words: Iterable[Value]) -> Listed:
    """``a, b and c``."""
    return Listed(tuple(words), _AND)
