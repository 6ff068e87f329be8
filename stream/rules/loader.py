"""Rule files: read, judged as a whole, compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from stream.engine.ruleset import RuleBook
from stream.rules.advice import warnings_about
from stream.rules.checks import findings_in
from stream.rules.compile import compile_rules
from stream.rules.model import Closed, RuleFile
from stream.rules.problems import FileInvalid, Finding, Loc, RulesInvalid
from stream.rules.source import Document, Unparsable, parse, read_text
from stream.rules.wording import findings_of

_log = logging.getLogger(__name__)
_M = TypeVar("_M", bound=Closed)


def load_rules(path: Path | None = None) -> RuleBook:
    """The rules in a file, or those which are shipped; logs warnings.

    Raises :class:`RulesInvalid` with every problem and its place.
    """
    return parse_rules(*read(path, "default.yaml", RulesInvalid))


def parse_rules(text: str, file: str) -> RuleBook:
    """Like :func:`load_rules`, from text; ``file`` names it in messages."""
    document, model = judge(text, file, RuleFile, findings_in, RulesInvalid)
    for finding in warnings_about(model):
        _log.warning("%s", document.problem(finding))
    return compile_rules(model)


def read(path: Path | None, shipped: str, failure: type[FileInvalid]) -> tuple[str, str]:
    """The text of a file (or of the shipped one of that name) and its name for messages."""
    try:
        if path is None:
            return files(__package__).joinpath(shipped).read_text(encoding="utf-8"), shipped
        return read_text(path), str(path)
    except Unparsable as error:
        raise failure([error.problem]) from None


def judge(
    text: str,
    file: str,
    model: type[_M],
    check: Callable[[object], Iterable[Finding]],
    failure: type[FileInvalid],
) -> tuple[Document, _M]:
    """The text as a valid model; raises ``failure`` with all problems otherwise.

    A value which cannot be read, or is wrong by itself, is reported once, not again for what
    follows from it.
    """
    try:
        document = parse(text, file)
    except Unparsable as error:
        raise failure([error.problem]) from None
    findings = list(document.findings)
    valid = None
    try:
        valid = model.model_validate(document.tree)
    except ValidationError as error:
        findings += _news(findings_of(error, model), findings)
    findings += _news(check(document.tree), findings)
    if findings or valid is None:
        raise failure([document.problem(finding) for finding in findings])
    return document, valid


def _news(more: Iterable[Finding], told: list[Finding]) -> list[Finding]:
    known: set[Loc] = {finding.loc for finding in told}
    return [f for f in more if not any(f.loc[:n] in known for n in range(len(f.loc) + 1))]
