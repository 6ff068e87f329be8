# SPDX-License-Identifier: Apache-2.0
"""Load a configuration file as a valid model, or report all its problems with their positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from stream.yaml_config.mending import Judged, problems_of
from stream.yaml_config.messages import findings_of
from stream.yaml_config.model import Closed
from stream.yaml_config.problems import FileInvalid, Finding, Loc
from stream.yaml_config.reader import Document, Unparsable, parse, read_text

_M = TypeVar("_M", bound=Closed)


def read(
    path: Path | None, package: str, shipped: str, failure: type[FileInvalid]
) -> tuple[str, str]:
    """The text of a file (without ``path``, the one shipped in a package), and its name."""
    try:
        if path is None:
            return files(package).joinpath(shipped).read_text(encoding="utf-8"), shipped
        return read_text(path), str(path)
    except Unparsable as error:
        raise failure([error.problem]) from None


def validate(
    text: str,
    file: str,
    model: type[_M],
    check: Callable[[object], Iterable[Finding]],
    failure: type[FileInvalid],
) -> tuple[Document, _M]:
    """Parse and validate the text; raises ``failure`` with all problems.

    A value that cannot be read or is invalid is reported once; findings that only follow from it
    are dropped, as are those that follow from characters that look like others.
    """

    def judge(text: str) -> Judged[_M]:
        return _judge(text, file, model, check)

    judged = judge(text)
    if judged.document is not None and judged.model is not None and not judged.findings:
        return judged.document, judged.model
    raise failure(problems_of(text, file, judged, judge))


def _judge(
    text: str, file: str, model: type[_M], check: Callable[[object], Iterable[Finding]]
) -> Judged[_M]:
    try:
        document = parse(text, file)
    except Unparsable as error:
        return Judged(stopped=error)
    findings = list(document.findings)
    valid = None
    try:
        valid = model.model_validate(document.tree)
    except ValidationError as error:
        findings += _new_findings(findings_of(error, model), findings)
    findings += _new_findings(check(document.tree), findings)
    return Judged(document=document, model=valid, findings=findings)


def _new_findings(more: Iterable[Finding], reported: list[Finding]) -> list[Finding]:
    known: set[Loc] = {finding.loc for finding in reported}
    return [f for f in more if not any(f.loc[:n] in known for n in range(len(f.loc) + 1))]
