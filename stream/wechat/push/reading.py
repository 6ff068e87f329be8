"""The body of a push, XML or JSON, as one tree of texts.

WeChat's two formats differ in everything but names: XML repeats an element where JSON has an
array (or, of one, the thing itself); numbers come as strings; the documented JSON even has blanks
in its keys. So names are compared without case and blanks, a value is a text, and every name may
have several values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from stream.wechat.heard import NotHeard, Refusal

#: The deepest and largest which WeChat documents have 5 levels (CopyrightCheckResult) and, with a
#: hundred pictures in a message, a few hundred elements.
DEPTH_MAX: Final = 8
ELEMENTS_MAX: Final = 1_000

_TOO_DEEP = f"The body is nested more than {DEPTH_MAX} deep."
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1
_INT_CHARS_MAX = 20
_lone_surrogate = re.compile("[\ud800-\udfff]").search


class Part:
    """A message or a part of one. Names are given in lower case."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, Iterable[str | Part]]] = ()) -> None:
        self._values: dict[str, list[str | Part]] = {}
        for name, values in pairs:
            self._values.setdefault(name.strip().lower(), []).extend(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """The text under ``name``, without blanks round it; empty if there is none."""
        values = self._values.get(name, ())
        if not values:
            return ""
        value = values[0]
        if len(values) > 1:
            malformed(f"{name} is given more than once; it must be one text.")
        if isinstance(value, Part):
            malformed(f"{name} has parts; it must be a text.")
        return value

    def parts(self, name: str) -> list[Part]:
        """The parts under ``name``, be they one or many; an empty element is none."""
        values = self._values.get(name, ())
        if any(isinstance(value, str) and value for value in values):
            malformed(f"{name} is a text; it must have parts.")
        return [value for value in values if isinstance(value, Part)]


def read(body: bytes) -> tuple[Part, bool]:
    """The message in ``body``, and whether it was JSON. Raises `NotHeard` for any other bytes."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        malformed("The body must be UTF-8.")
    if text.startswith("{"):
        return _read_json(text), True
    if text.startswith("<"):
        return _read_xml(text), False
    malformed("The body must be an XML element or a JSON object.")


def malformed(message: str) -> NoReturn:
    """Refuse: the sender was right, but not what it sent."""
    raise NotHeard(Refusal.MALFORMED, message)


# --- XML ------------------------------------------------------------------------------------------


def _read_xml(text: str) -> Part:
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True, forbid_external=True)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException:
        malformed("The XML has a DTD, an entity or an external reference; there must be none.")
    except (ParseError, ValueError, LookupError):
        malformed("The body is not well-formed XML.")
    return builder.root if isinstance(builder.root, Part) else Part()


class _Builder:
    """Takes the events of the XML parser, and stops it where there are too many of them."""

    def __init__(self) -> None:
        self._open: list[tuple[list[tuple[str, list[str | Part]]], list[str]]] = []
        self._elements = 0
        self.root: str | Part = ""

    def start(self, _tag: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        _check_limits(len(self._open) + 1, self._elements)
        self._open.append(([], []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        children, texts = self._open.pop()
        value = Part(children) if children else "".join(texts).strip()
        if self._open:
            self._open[-1][0].append((tag, [value]))
        else:
            self.root = value

    def close(self) -> None:
        pass  # the parser asks for it


# --- JSON -----------------------------------------------------------------------------------------


class _Object(list[tuple[str, Any]]):
    """The names and values of a JSON object, in order, as often as they were given."""


def _read_json(text: str) -> Part:
    try:
        document = json.loads(
            text,
            object_pairs_hook=_Object,
            parse_int=_integer,
            parse_float=str,
            parse_constant=_no_number,
        )
    except RecursionError:
        malformed(_TOO_DEEP)
    except ValueError:
        malformed("The body is not JSON.")
    return _Reader().part(document, 1)


class _Reader:
    """Turns JSON into parts, and stops where there is too much of it."""

    def __init__(self) -> None:
        self._elements = 0

    def part(self, document: _Object, depth: int) -> Part:
        return Part([(_checked(name), self._values(value, depth)) for name, value in document])

    def _values(self, value: Any, depth: int) -> list[str | Part]:
        self._elements += 1
        _check_limits(depth, self._elements)
        if isinstance(value, _Object):
            return [self.part(value, depth + 1)]
        if isinstance(value, list):
            return [one for item in value for one in self._values(item, depth + 1)]
        if isinstance(value, str):
            return [_checked(value).strip()]
        return [] if value is None else [str(value).lower()]  # true, false


def _integer(literal: str) -> str:
    # A length first: turning digits into a number takes the square of their count.
    if len(literal) > _INT_CHARS_MAX or not _INT_MIN <= int(literal) <= _INT_MAX:
        malformed("The JSON has an integer of more than 64 bits.")
    return literal


def _no_number(_literal: str) -> NoReturn:
    malformed("The JSON has a number which is none (NaN or Infinity).")


def _checked(text: str) -> str:
    if _lone_surrogate(text):
        malformed("The JSON has half a character (a lone surrogate).")
    return text


def _check_limits(depth: int, elements: int) -> None:
    if depth > DEPTH_MAX:
        malformed(_TOO_DEEP)
    if elements > ELEMENTS_MAX:
        malformed(f"The body has more than {ELEMENTS_MAX} elements.")
