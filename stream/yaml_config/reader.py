"""Read YAML text as plain values, and record the line and column of each.

The format is a subset of YAML: numbers are decimal, dates stay text, every name has a value, and
there are no tags, anchors or aliases. So each value has exactly one position, numbers are exact
(``Decimal``, never ``float``) and a small file cannot expand into a huge one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent

from stream.yaml_config.problems import Finding, Loc, Problem, path_of, quoted

FILE_BYTES_MAX = 1_048_576
DEPTH_MAX = 16  # nesting; the formats need 7

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({f"{_TAG}{t}" for t in ("str", "timestamp", "value", "merge")})
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?([0-9]{1,15}\.[0-9]{0,15}|\.[0-9]{1,15})", re.ASCII)
_BOOLS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}

Position = tuple[int, int]  # line and column, from 1


class Unreadable:
    """A placeholder for a value whose problem is already reported."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's plain values (dict, list, str, int, Decimal, bool) and their positions."""

    file: str
    tree: object
    values: Mapping[Loc, Position]
    names: Mapping[Loc, Position]
    findings: tuple[Finding, ...]

    def problem(self, finding: Finding) -> Problem:
        """The finding with its position; a missing value gets the position of its owner."""
        finding = finding._replace(loc=self._written(finding.loc))
        line, column = self._position(finding)
        return Problem(self.file, line, column, path_of(finding.loc), finding.message)

    def _written(self, loc: Loc) -> Loc:
        """``loc``, cut where the file has a plain value: ``{eq: value}`` has a short form."""
        here = self.tree
        for n, part in enumerate(loc):
            if isinstance(here, dict):
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int):
                here = here[part]
            elif here is not None:
                return loc[:n]
        return loc

    def _position(self, finding: Finding) -> Position:
        if finding.at_name and finding.loc in self.names:
            return self.names[finding.loc]
        if finding.loc in self.values:
            return self.values[finding.loc]
        for n in range(len(finding.loc) - 1, 0, -1):
            owner = finding.loc[:n]
            if position := self.names.get(owner) or self.values.get(owner):
                return position
        return self.values.get((), (1, 1))


class Unparsable(Exception):
    """The file cannot be read as a whole; ``problem`` has the position where reading stopped."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`Unparsable` if it cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        _stop(str(path), 1, 1, f"cannot be read ({reason}); check the path and its permissions")
    if len(raw) > FILE_BYTES_MAX:
        _stop(str(path), 1, 1, f"is larger than {FILE_BYTES_MAX:,} bytes; remove old versions")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        _stop(str(path), line, column, "is not UTF-8 text; save the file as UTF-8")


def parse(text: str, file: str) -> Document:
    """The plain values of ``text``; raises :class:`Unparsable` if it is not YAML."""
    root = _compose(text, file)
    if root is None:
        advice = "see docs/rules.md for a rule file, docs/apps.md for an apps file"
        _stop(file, 1, 1, f"is empty; {advice}")
    plain = _Plain()
    tree = plain.value(root, ())
    return Document(file, tree, plain.values, plain.names, tuple(plain.findings))


class _Composer(yaml.SafeLoader):
    """Composes nodes, refuses aliases, and limits the depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise ComposerError(
                None, None, "anchors (&) and aliases (*) are not used here", event.start_mark
            )
        if self.depth >= DEPTH_MAX:
            raise ComposerError(None, None, f"nested over {DEPTH_MAX} deep", event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]
        finally:
            self.depth -= 1


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        loader = _Composer(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = error.problem or error.context or "cannot be understood"
        _stop(file, line, column, f"is not YAML ({what}); check indentation, colons and quotes")
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        _stop(file, line, column, "holds a control character; remove it")
    except (ValueError, OverflowError):  # an escape such as "\U00110000"
        _stop(file, 1, 1, "holds an escaped character which does not exist; remove it")


def _stop(file: str, line: int, column: int, message: str) -> NoReturn:
    raise Unparsable(Problem(file, line, column, path_of(()), message)) from None


@dataclass(slots=True)
class _Plain:
    """Turns nodes into plain values, and records positions and problems."""

    values: dict[Loc, Position] = field(default_factory=dict)
    names: dict[Loc, Position] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def value(self, node: yaml.Node, loc: Loc) -> object:
        self.values[loc] = _position(node)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(item, (*loc, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        return self._report(loc, f"the tag {quoted(node.tag)} is not used here; remove it")

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
        plain: dict[str, object] = {}
        for n, (name, value) in enumerate(node.value):
            if not isinstance(name, yaml.ScalarNode) or not _is_clean(name.value):
                self.names[inner := (*loc, f"?{n}")] = _position(name)
                self._report(inner, "the name here must be plain text", at_name=True)
                continue
            inner = (*loc, name.value)
            if name.value in plain:
                first = self.names[inner][0]
                self.names[inner] = _position(name)
                message = f"is already given in line {first}; keep one of the two"
                self.findings.append(Finding(inner, message, at_name=True))
                continue
            self.names[inner] = _position(name)
            plain[name.value] = self.value(value, inner)
        return plain

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> object:
        text, tag = node.value, node.tag
        if tag in _TEXT_TAGS:
            if _is_clean(text):
                return text
            return self._report(loc, "holds a character which cannot be shown; remove it")
        if tag == f"{_TAG}int" and _INT.fullmatch(plain := text.replace("_", "")):
            return int(plain)
        if tag == f"{_TAG}float" and _DECIMAL.fullmatch(plain := text.replace("_", "")):
            return Decimal(plain)
        if tag == f"{_TAG}bool" and text.lower() in _BOOLS:
            return _BOOLS[text.lower()]
        if tag == f"{_TAG}null":
            return self._report(loc, "has no value; write one or remove the line", at_name=True)
        return self._report(
            loc, f"{quoted(text)} is no plain decimal number; write one, or quote it as text"
        )

    def _report(self, loc: Loc, message: str, *, at_name: bool = False) -> Unreadable:
        self.findings.append(Finding(loc, message, at_name))
        return Unreadable()


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _is_clean(text: str) -> bool:
    """Whether text has no lone surrogates and no control characters except tabs and line ends."""
    return all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)
