# SPDX-License-Identifier: Apache-2.0
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
from typing import NamedTuple, NoReturn

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.tokens import ScalarToken

from stream.language import yaml_messages as say
from stream.language.message import Phrase
from stream.yaml_config.lookalikes import ends_in_quotes, quotes_match
from stream.yaml_config.problems import Finding, Loc, Problem, path_of, shown
from stream.yaml_config.yaml_errors import reason_of

FILE_BYTES_MAX = 1_048_576
DEPTH_MAX = 16  # nesting; the formats need 7

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({f"{_TAG}{t}" for t in ("str", "timestamp", "value", "merge")})
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?([0-9]{1,15}\.[0-9]{0,15}|\.[0-9]{1,15})", re.ASCII)
_BOOLS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}


class Place(NamedTuple):
    """Where a value or a name stands: line and column from 1, and its slice of the text.

    The slice of a list or a mapping is empty.
    """

    line: int
    column: int
    start: int = 0
    end: int = 0
    quoted: bool = False


class Unreadable:
    """A placeholder for a value whose problem is already reported."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's plain values (dict, list, str, int, Decimal, bool) and their positions."""

    file: str
    tree: object
    values: Mapping[Loc, Place]
    names: Mapping[Loc, Place]
    findings: tuple[Finding, ...]
    doubts: tuple[Finding, ...] = ()  # what may be meant, and probably is not

    def problem(self, finding: Finding) -> Problem:
        """The finding with its position; a missing value gets the position of its owner."""
        finding = finding._replace(loc=self._written(finding.loc))
        place = self._place(finding)
        column = place.column + finding.offset + (place.quoted and finding.offset > 0)
        return Problem(self.file, place.line, column, path_of(finding.loc), finding.message)

    def own_place(self, finding: Finding) -> Place | None:
        """The place of the very name or value that a finding is about, if the file has it."""
        places = self.names if finding.at_name else self.values
        return places.get(self._written(finding.loc))

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

    def _place(self, finding: Finding) -> Place:
        if finding.at_name and finding.loc in self.names:
            return self.names[finding.loc]
        if finding.loc in self.values:
            return self.values[finding.loc]
        for n in range(len(finding.loc) - 1, 0, -1):
            owner = finding.loc[:n]
            if place := self.names.get(owner) or self.values.get(owner):
                return place
        return self.values.get((), Place(1, 1))


class Unparsable(Exception):
    """The file cannot be read as a whole; ``problem`` has the position where reading stopped.

    For text that is not YAML, ``at`` is the index where it stopped, and ``since`` that of a
    quoted text before it which goes over several lines.
    """

    def __init__(self, problem: Problem, at: int | None = None, since: int | None = None) -> None:
        super().__init__(str(problem))
        self.problem, self.at, self.since = problem, at, since


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`Unparsable` if it cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or say.NO_USABLE_PATH()
        _stop(str(path), 1, 1, say.CANNOT_BE_READ(reason=reason))
    if len(raw) > FILE_BYTES_MAX:
        _stop(str(path), 1, 1, say.TOO_LARGE(bytes=FILE_BYTES_MAX))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        _stop(str(path), line, column, say.NOT_UTF8())


def parse(text: str, file: str) -> Document:
    """The plain values of ``text``; raises :class:`Unparsable` if it is not YAML."""
    root = _compose(text, file)
    if root is None:
        _stop(file, 1, 1, say.EMPTY())
    plain = _Plain()
    tree = plain.value(root, ())
    found, doubts = tuple(plain.findings), tuple(plain.doubts)
    return Document(file, tree, plain.values, plain.names, found, doubts)


class _Refusal(ComposerError):
    """YAML that is not used here."""

    def __init__(self, said: Phrase, mark: yaml.Mark) -> None:
        super().__init__(None, None, str(said), mark)
        self.said = said


class _Composer(yaml.SafeLoader):
    """Composes nodes, refuses aliases, and limits the depth."""

    depth = 0
    long_quote: int | None = None  # where the last quoted text of several lines begins

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _Refusal(say.NO_ANCHORS(), event.start_mark)
        if self.depth >= DEPTH_MAX:
            raise _Refusal(say.TOO_DEEP(levels=DEPTH_MAX), event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]
        finally:
            self.depth -= 1

    def scan_flow_scalar(self, style: str) -> ScalarToken:
        token: ScalarToken = super().scan_flow_scalar(style)
        if token.start_mark.line != token.end_mark.line:
            self.long_quote = token.start_mark.index
        return token


def _compose(text: str, file: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Composer(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        said, mark = reason_of(error)
        if isinstance(error, _Refusal):
            said = error.said
        line, column, at = (mark.line, mark.column, mark.index) if mark else (0, 0, 0)
        problem = Problem(file, line + 1, column + 1, path_of(()), say.NOT_YAML(why=said))
        raise Unparsable(problem, at, loader.long_quote if loader else None) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        _stop(file, line, column, say.CONTROL_CHARACTER())
    except (ValueError, OverflowError):  # an escape such as "\U00110000"
        _stop(file, 1, 1, say.NO_SUCH_ESCAPE())
    finally:
        if loader is not None:
            loader.dispose()


def _stop(file: str, line: int, column: int, message: Phrase) -> NoReturn:
    raise Unparsable(Problem(file, line, column, path_of(()), message)) from None


@dataclass(slots=True)
class _Plain:
    """Turns nodes into plain values, and records positions and problems."""

    values: dict[Loc, Place] = field(default_factory=dict)
    names: dict[Loc, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)

    def value(self, node: yaml.Node, loc: Loc) -> object:
        self.values[loc] = _place_of(node)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(item, (*loc, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        return self._report(loc, say.NO_TAGS(tag=shown(node.tag)))

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
        plain: dict[str, object] = {}
        for n, (name, value) in enumerate(node.value):
            if not isinstance(name, yaml.ScalarNode) or not _is_clean(name.value):
                self.names[inner := (*loc, f"?{n}")] = _place_of(name)
                self._report(inner, say.NAME_NOT_TEXT(), at_name=True)
                continue
            inner = (*loc, name.value)
            if name.value in plain:
                message = say.GIVEN_TWICE(line=self.names[inner].line)
                self.names[inner] = _place_of(name)
                self.findings.append(Finding(inner, message, at_name=True))
                continue
            self.names[inner] = _place_of(name)
            plain[name.value] = self.value(value, inner)
        return plain

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> object:
        text, tag = node.value, node.tag
        if tag in _TEXT_TAGS:
            if not _is_clean(text):
                return self._report(loc, say.UNSHOWABLE())
            return text if node.style else self._unquoted(text, loc)
        if tag == f"{_TAG}int" and _INT.fullmatch(plain := text.replace("_", "")):
            return int(plain)
        if tag == f"{_TAG}float" and _DECIMAL.fullmatch(plain := text.replace("_", "")):
            return Decimal(plain)
        if tag == f"{_TAG}bool" and text.lower() in _BOOLS:
            return _BOOLS[text.lower()]
        if tag == f"{_TAG}null":
            return self._report(loc, say.NO_VALUE(), at_name=True)
        return self._report(loc, say.NO_NUMBER(text=shown(text)))

    def _unquoted(self, text: str, loc: Loc) -> object:
        """Text in quotes that are not YAML's: they belong to the text."""
        if not ends_in_quotes(text):
            return text
        first, last = text[0], text[-1]
        if not quotes_match(first, last):
            return self._report(loc, say.QUOTES_DIFFER(first=first, last=last))
        self.doubts.append(Finding(loc, say.CURLY_QUOTED(first=first, last=last)))
        return text

    def _report(self, loc: Loc, message: Phrase, *, at_name: bool = False) -> Unreadable:
        self.findings.append(Finding(loc, message, at_name))
        return Unreadable()


def _place_of(node: yaml.Node) -> Place:
    start, line, column = node.start_mark.index, node.start_mark.line, node.start_mark.column
    if not isinstance(node, yaml.ScalarNode):
        return Place(line + 1, column + 1, start, start)
    return Place(line + 1, column + 1, start, node.end_mark.index, bool(node.style))


def _is_clean(text: str) -> bool:
    """Whether text has no lone surrogates and no control characters except tabs and line ends."""
    return all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)
