"""The body of a push, XML or JSON, as one tree of texts.

WeChat's two formats differ in everything but names: XML repeats an element where JSON has an
array (or, of one, the thing itself); numbers come as strings; the documented JSON even has blanks
in its keys. So names are compared without case and blanks, a value is a text, and every name may
have several values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn
from xml.parsers import expat

from stream.wechat.document import parse_document
from stream.wechat.heard import NotHeard, Refusal

#: The deepest and largest which WeChat documents have 5 levels (CopyrightCheckResult) and, with a
#: hundred pictures in a message, a few hundred elements.
DEPTH_MAX: Final = 8
ELEMENTS_MAX: Final = 1_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
    body = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if body.startswith(b"{"):
        return _Reader().part(parse_document(body, "The body")), True
    if body.startswith(b"<"):
        return _read_xml(body), False
    malformed("The body must be an XML element or a JSON object.")


def malformed(message: str) -> NoReturn:
    """Refuse: the sender was right, but not what it sent."""
    raise NotHeard(Refusal.MALFORMED, message)


# --- XML ------------------------------------------------------------------------------------------


def _read_xml(body: bytes) -> Part:
    """expat's own events: a tree in between would cost as much again.

    Entities can be declared in a DTD alone, and there is none: its first word ends the reading.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        malformed("The XML is not in UTF-8.")
    builder = _Builder()
    # UTF-8 whatever the declaration says: WeChat sends nothing else. Prefixes must be bound.
    parser = expat.ParserCreate("UTF-8", namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.StartElementHandler = builder.start
    parser.CharacterDataHandler = builder.data
    parser.EndElementHandler = builder.end
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        malformed("The body is not well-formed XML.")
    return builder.root if isinstance(builder.root, Part) else Part()


def _refuse_dtd(*_: object) -> None:
    malformed("The XML has a DTD, an entity or an external reference; there must be none.")


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


# --- JSON -----------------------------------------------------------------------------------------


class _Reader:
    """Turns JSON into parts, and stops where there is too much of it."""

    def __init__(self) -> None:
        self._elements = 0

    def part(self, document: dict[str, Any], depth: int = 1) -> Part:
        return Part((name, self._values(value, depth)) for name, value in document.items())

    def _values(self, value: Any, depth: int) -> list[str | Part]:
        self._elements += 1
        _check_limits(depth, self._elements)
        if isinstance(value, dict):
            return [self.part(value, depth + 1)]
        if isinstance(value, list):
            return [one for item in value for one in self._values(item, depth + 1)]
        if isinstance(value, str):
            return [value.strip()]
        return [] if value is None else [str(value).lower()]  # true, false


def _check_limits(depth: int, elements: int) -> None:
    if depth > DEPTH_MAX:
        malformed(f"The body is nested more than {DEPTH_MAX} deep.")
    if elements > ELEMENTS_MAX:
        malformed(f"The body has more than {ELEMENTS_MAX} elements.")
