# SPDX-License-Identifier: Apache-2.0
"""A sentence is said once, and shown in the language of whoever reads it."""

from __future__ import annotations

import pytest

from stream.language.message import (
    Language,
    Message,
    both,
    either,
    language_of,
    listed,
    speaking,
)

GREETING = Message("{name} has {points:,} points", "{name}有 {points:,} 分")


def test_a_sentence_is_shown_in_english_unless_chosen_otherwise() -> None:
    said = GREETING(name="Mei", points=1360)
    assert str(said) == said.text(Language.EN) == "Mei has 1,360 points"
    with speaking(Language.ZH):
        assert str(said) == said.text(Language.ZH) == "Mei有 1,360 分"
        with speaking(Language.EN):
            assert f"{said}" == "Mei has 1,360 points"
    assert str(said) == "Mei has 1,360 points"


def test_what_a_sentence_is_filled_with_is_in_its_language_too() -> None:
    who = either(["Mei", "Li", GREETING(name="Bo", points=1)])
    said = GREETING(name=who, points=2)
    assert said.text(Language.EN) == "Mei, Li or Bo has 1 points has 2 points"
    assert said.text(Language.ZH) == "Mei、Li 或 Bo有 1 分有 2 分"
    assert both(["a"]).text(Language.ZH) == "a"
    assert listed(["a", "b"]).text(Language.EN) == "a, b"


@pytest.mark.parametrize("values", [{}, {"name": "Mei"}, {"name": "Mei", "points": 1, "x": 2}])
def test_values_that_are_no_placeholders_are_refused_where_it_is_said(
    values: dict[str, str | int],
) -> None:
    with pytest.raises(TypeError, match="is said with"):
        GREETING(**values)


def test_sentences_with_the_same_values_are_equal() -> None:
    assert GREETING(name="Mei", points=1) == GREETING(name="Mei", points=1)
    assert len({GREETING(name="Mei", points=1), GREETING(name="Li", points=1)}) == 2


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, Language.EN),
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "C.UTF-8"}, Language.EN),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, Language.EN),
        ({"LANG": "en_US", "LC_MESSAGES": "zh_CN"}, Language.ZH),
        ({"LANG": "en_US", "LC_ALL": "zh_CN"}, Language.ZH),
        ({"LANG": "zh_CN", "LC_ALL": ""}, Language.ZH),
    ],
)
def test_the_environment_chooses_as_posix_has_it(
    environ: dict[str, str], language: Language
) -> None:
    assert language_of(environ) is language
