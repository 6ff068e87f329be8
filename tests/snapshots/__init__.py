# SPDX-License-Identifier: Apache-2.0
"""Sentences that people read: one file has them all, and a test says which it expects where.

``python -m tests.snapshots`` accepts intended changes. Read the diff as a user would.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from stream.language.message import Language, Phrase
from stream.yaml_config.problems import Problem

FILE = Path(__file__).with_name("sentences.json")
ACCEPT = "SHADOWPOINTS_ACCEPT_SENTENCES"


def accepted() -> dict[str, dict[str, str]]:
    """The sentences by page and name."""
    found: dict[str, dict[str, str]] = orjson.loads(FILE.read_bytes())
    return found


def same_sentence(page: str, name: str, said: str) -> None:
    """Fail unless the snapshot has this sentence under this name."""
    known = accepted()
    if os.environ.get(ACCEPT):
        assert known.setdefault(page, {}).setdefault(name, said) == said, f"{name} is used twice"
        FILE.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        return
    accept = "if that is right, run python -m tests.snapshots"
    assert said == known.get(page, {}).get(name), f"{page}, {name}: {accept}"


def place_of_one(page: str, name: str, problems: Sequence[Problem]) -> str:
    """Where the one problem is, as it is shown; the snapshot has its sentence in each language."""
    (problem,) = problems
    in_both_languages(page, name, problem.message)
    return str(problem).removesuffix(f": {problem.message}")


def in_both_languages(page: str, name: str, said: Phrase) -> None:
    """Fail unless the snapshot has the sentence in English, and on another page in Chinese."""
    same_sentence(page, name, said.text(Language.EN))
    same_sentence(f"{page}, in Chinese", name, said.text(Language.ZH))
