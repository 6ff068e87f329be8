# SPDX-License-Identifier: Apache-2.0
"""Load a rule file: read it, check it as a whole, and compile it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from stream.engine.model.ruleset import RuleBook
from stream.rules.checks import findings_in
from stream.rules.compile import compile_rules
from stream.rules.known_apps import KnownApps
from stream.rules.lint import warnings_about
from stream.rules.model import RuleFile
from stream.yaml_config.loader import read, validate
from stream.yaml_config.problems import Problem, RulesInvalid, in_order

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """The rules in a file, and what may be meant otherwise."""

    book: RuleBook
    warnings: tuple[Problem, ...]


def check_rules(path: Path | None = None, apps: KnownApps | None = None) -> CheckedRules:
    """The rules in a file, or without one the default rules, and warnings about them.

    ``apps``: those that conditions may name, if they are known. Raises :class:`RulesInvalid` with
    every problem and its position.
    """
    return judge_rules(*read(path, __package__, "default.yaml", RulesInvalid), apps)


def judge_rules(text: str, file: str, apps: KnownApps | None = None) -> CheckedRules:
    """Like :func:`check_rules`, from text; ``file`` names it in messages."""
    document, model = validate(text, file, RuleFile, findings_in, RulesInvalid)
    warnings = map(document.problem, (*document.doubts, *warnings_about(model, apps)))
    return CheckedRules(compile_rules(model), in_order(warnings))


def load_rules(path: Path | None = None) -> RuleBook:
    """Like :func:`check_rules`; logs the warnings."""
    return _logged(check_rules(path))


def parse_rules(text: str, file: str) -> RuleBook:
    """Like :func:`load_rules`, from text."""
    return _logged(judge_rules(text, file))


def _logged(checked: CheckedRules) -> RuleBook:
    for problem in checked.warnings:
        _log.warning("%s", problem)
    return checked.book
