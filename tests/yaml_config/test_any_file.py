# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in a file: it loads, or its problems are reported with their lines."""

from __future__ import annotations

import copy
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.brand.directory import parse_apps
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.rules.loader import parse_rules
from stream.yaml_config.problems import AppsInvalid, FileInvalid, RulesInvalid

pytestmark = pytest.mark.fuzz

DEFAULT = files("stream.rules").joinpath("default.yaml").read_text(encoding="utf-8")
#: The first version alone: as varied as both, and half as slow.
TREE = {"versions": yaml.safe_load(DEFAULT)["versions"][:1]}
WORDS = ["purchase", "share", "in", "eq", "till_purchase", "{points}", "2026-02-30", "1.5", "~"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.datetimes()
    | st.binary(max_size=4)
    | st.sampled_from(WORDS)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | scalars, inner, max_size=3)
    ),
    max_leaves=6,
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        found.append((*at, key))
        if isinstance(value, dict | list):
            found += places(value, (*at, key))
    return found


PLACES = places(TREE)


@st.composite
def mutated_trees(draw: st.DrawFn) -> Any:
    tree = copy.deepcopy(TREE)
    for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
        owner: Any = tree
        try:
            for key in place[:-1]:
                owner = owner[key]
            here = owner[place[-1]]
        except (KeyError, IndexError, TypeError):  # an earlier change removed it
            continue
        if not isinstance(owner, dict | list):
            continue
        change = draw(st.sampled_from(["drop", "swap", "wrap", "rename", "repeat"]))
        if change == "drop":
            del owner[place[-1]]
        elif change == "swap":
            owner[place[-1]] = draw(values)
        elif change == "wrap":
            owner[place[-1]] = draw(st.sampled_from([[here], {"eq": here}, str(here)]))
        elif change == "rename" and isinstance(owner, dict):
            owner[draw(st.text(max_size=5) | st.sampled_from(WORDS))] = owner.pop(place[-1])
        elif isinstance(owner, list):
            owner.append(copy.deepcopy(here))
    return tree


def loads_or_tells(text: str) -> None:
    try:
        book = parse_rules(text, "f")
    except RulesInvalid as error:
        assert_problems_name_lines(error, text)
    else:
        assert isinstance(book, RuleBook)
        assert book.versions


def assert_problems_name_lines(error: FileInvalid, text: str) -> None:
    assert error.problems
    lines = len(text.splitlines()) + 1
    for problem in error.problems:
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
        assert problem.where
        assert str(problem.message)
        assert "\n" not in str(problem)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated_trees())
def test_a_changed_file_loads_or_tells_its_problems(tree: Any) -> None:
    loads_or_tells(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 3000),
    st.integers(0, 40),
    st.text(max_size=6) | st.sampled_from("\t:{}[]&*!|>%@`'\"\\"),
)
def test_a_torn_file_loads_or_tells_its_problems(start: int, length: int, put: str) -> None:
    text = DEFAULT[600:3600]  # into the first version and through most of its rules
    loads_or_tells("versions:\n" + text[:start] + put + text[start + length :])


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_loads_or_tells_its_problems(text: str) -> None:
    loads_or_tells(text)
    try:
        directory = parse_apps(text, "f")
    except AppsInvalid as error:
        assert_problems_name_lines(error, text)
    else:
        assert isinstance(directory, Directory)


@settings(max_examples=200, deadline=None)
@given(values)
def test_any_tree_tells_its_problems(tree: Any) -> None:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(yaml.safe_dump({"versions": [tree]}, allow_unicode=True), "f")
    assert caught.value.problems


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 5000, "- " * 5000, '"\\U00110000"', "\ud800"]
)
def test_hostile_text_is_reported(text: str) -> None:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text, "f")
    assert_problems_name_lines(caught.value, text)
