"""Load a rule file: read it, check it as a whole, and compile it."""

from __future__ import annotations

import logging
from pathlib import Path

from stream.engine.model.ruleset import RuleBook
from stream.rules.checks import findings_in
from stream.rules.compile import compile_rules
from stream.rules.lint import warnings_about
from stream.rules.model import RuleFile
from stream.yaml_config.loader import read, validate
from stream.yaml_config.problems import RulesInvalid

_log = logging.getLogger(__name__)


def load_rules(path: Path | None = None) -> RuleBook:
    """The rules in a file, or without one the default rules; logs warnings.

    Raises :class:`RulesInvalid` with every problem and its position.
    """
    return parse_rules(*read(path, __package__, "default.yaml", RulesInvalid))


def parse_rules(text: str, file: str) -> RuleBook:
    """Like :func:`load_rules`, from text; ``file`` names it in messages."""
    document, model = validate(text, file, RuleFile, findings_in, RulesInvalid)
    for finding in warnings_about(model):
        _log.warning("%s", document.problem(finding))
    return compile_rules(model)
