# SPDX-License-Identifier: Apache-2.0
"""A page and its Chinese twin (``.zh.md``) say the same: sections, examples, settings, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from stream.language.catalogue import CATALOGUE
from stream.language.message import Message, placeholders
from tests.test_docs import ROOT, names

TWINS = sorted((ROOT / "docs").rglob("*.zh.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Section(NamedTuple):
    """What a heading and the text below it have in common in both languages."""

    level: int
    blocks: int
    columns: list[int]  #: of each row of its tables
    words: set[str]  #: set as code
    numbers: set[str]


def sections(page: Path) -> list[Section]:
    parts = re.split(r"^(#+) ", BLOCK.sub("```", page.read_text("utf-8")), flags=re.MULTILINE)
    return [
        _section(len(marks), text) for marks, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _section(level: int, text: str) -> Section:
    unblocked = text.replace("```", "")
    prose = re.sub(r"`[^`]+`|\]\([^)]*\)", "", unblocked)
    return Section(
        level=level,
        blocks=text.count("```"),
        columns=[line.count(" |") for line in text.split("\n") if line.startswith("|")],
        words={" ".join(word.split()) for word in re.findall(r"`([^`]+)`", unblocked)},
        numbers=set(re.findall(r"\b\d(?:[\d,.:]*\d)?\b", prose, re.ASCII)),
    )


def code(page: Path) -> list[list[str]]:
    """The lines of each block; of a console the commands alone: their output has a language."""
    return [
        [line for line in lines.split("\n") if kind != "console" or line.startswith("$ ")]
        for kind, lines in BLOCK.findall(page.read_text("utf-8"))
    ]


def output(page: Path) -> Iterator[str]:
    for kind, lines in BLOCK.findall(page.read_text("utf-8")):
        if kind == "console":
            yield from (line for line in lines.splitlines() if not line.startswith("$ "))


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh.md", ".md"))


def test_there_are_twins() -> None:
    assert {"rules.zh.md", "traits.zh.md"} <= {page.name for page in TWINS}


@pytest.mark.parametrize("page", TWINS, ids=names)
def test_twins_have_the_same_code(page: Path) -> None:
    assert code(page) == code(english(page))


@pytest.mark.parametrize("page", TWINS, ids=names)
def test_twins_have_the_same_sections(page: Path) -> None:
    """Chinese may write more numbers, since its months are numbers."""
    ours, theirs = sections(page), sections(english(page))
    assert [one.level for one in ours] == [one.level for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one._replace(numbers=one.numbers & other.numbers) == other


@pytest.mark.parametrize("page", TWINS, ids=names)
def test_twins_begin_with_links_to_each_other(page: Path) -> None:
    twin = english(page)
    assert page.read_text("utf-8").split("\n")[2] == f"[English]({twin.name})"
    assert twin.read_text("utf-8").split("\n")[2] == f"[中文]({page.name})"


@pytest.mark.parametrize("page", TWINS, ids=names)
def test_commands_say_the_same_sentences(page: Path) -> None:
    for ours, theirs in zip(output(page), output(english(page)), strict=True):
        for said in CATALOGUE.values():
            if ours != theirs and re.search(_pattern(said.en), theirs) and _is_particular(said):
                assert re.search(_pattern(said.zh), ours)


def _is_particular(said: Message) -> bool:
    """Sentences with few words of their own are found in others."""
    return len(re.findall(r"[a-z]+", re.sub(r"\{.*?\}", "", said.en))) > 2


def _pattern(text: str) -> str:
    values = "|".join(rf"\{{{name}(?::,)?\}}" for name in placeholders(text)) or "(?!)"
    return ".+".join(re.escape(part) for part in re.split(values, text)) + "$"
