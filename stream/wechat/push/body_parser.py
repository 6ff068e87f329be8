# SPDX-License-Identifier: Apache-2.0
"""Parses the body of a push, XML or JSON, into one kind of tree.

WeChat's two formats share only the names: XML repeats an element where JSON has an array (or a
single object); numbers come as strings; the documented JSON even has blanks in its keys. So names
are compared without case and blanks, a value is a text or a node, and a name may have several.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn
from xml.parsers import expat

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.strict_json import parse_document

#: The deepest message in WeChat's documents has 5 levels (CopyrightCheckResult), the largest, with
#: a hundred pictures, a few hundred elements.
DEPTH_MAX: Final = 8
ELEMENTS_MAX: Final = 1_000

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Node:
    """A message, or an element of it. Names are in lower case."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, Iterable[str | Node]]] = ()) -> None:
        self._values: dict[str, list[str | Node]] = {}
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
        if isinstance(value, Node):
            malformed(f"{name} is an object; it must be a text.")
        return value

    def children(self, name: str) -> list[Node]:
        """The nodes under ``name``; an empty element is none."""
        values = self._values.get(name, ())
        if any(isinstance(value, str) and value for value in values):
            malformed(f"{name} is a text; it must be an object.")
        return [value for value in values if isinstance(value, Node)]


def parse_body(body: bytes) -> tuple[Node, bool]:
    """The message in ``body``, and whether it was JSON.

    Raises `DeliveryRejected` for any other bytes.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if body.startswith(b"{"):
        return _JsonBuilder().node(parse_document(body, "The body")), True
    if body.startswith(b"<"):
        return _parse_xml(body), False
    malformed("The body must be an XML element or a JSON object.")


def malformed(message: str) -> NoReturn:
    """Reject a body from a verified sender."""
    raise DeliveryRejected(RejectReason.MALFORMED, message)


# --- XML ------------------------------------------------------------------------------------------


def _parse_xml(body: bytes) -> Node:
    """Uses expat's events directly: a tree in between would double the cost.

    Only a DTD can declare entities, and its first word stops the parser.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        malformed("The XML is not in UTF-8.")
    builder = _XmlBuilder()
    # UTF-8 whatever the declaration says: WeChat always sends it. Prefixes must be bound.
    parser = expat.ParserCreate("UTF-8", namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _reject_dtd
    parser.StartElementHandler = builder.start
    parser.CharacterDataHandler = builder.data
    parser.EndElementHandler = builder.end
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        malformed("The body is not well-formed XML.")
    return builder.root if isinstance(builder.root, Node) else Node()


def _reject_dtd(*_: object) -> None:
    malformed("The XML has a DTD, an entity or an external reference; there must be none.")


class _XmlBuilder:
    """Builds nodes from the XML parser's events, and enforces the limits."""

    def __init__(self) -> None:
        self._open: list[tuple[list[tuple[str, list[str | Node]]], list[str]]] = []
        self._elements = 0
        self.root: str | Node = ""

    def start(self, _tag: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        _check_limits(len(self._open) + 1, self._elements)
        self._open.append(([], []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, tag: str) -> None:
        children, texts = self._open.pop()
        value = Node(children) if children else "".join(texts).strip()
        if self._open:
            self._open[-1][0].append((tag, [value]))
        else:
            self.root = value


# --- JSON -----------------------------------------------------------------------------------------


class _JsonBuilder:
    """Builds nodes from JSON, and enforces the limits."""

    def __init__(self) -> None:
        self._elements = 0

    def node(self, document: dict[str, Any], depth: int = 1) -> Node:
        return Node((name, self._values(value, depth)) for name, value in document.items())

    def _values(self, value: Any, depth: int) -> list[str | Node]:
        self._elements += 1
        _check_limits(depth, self._elements)
        if isinstance(value, dict):
            return [self.node(value, depth + 1)]
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
