# SPDX-License-Identifier: Apache-2.0
"""Characters that look like YAML's are named where they stand, and texts keep theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.rules.loader import judge_rules
from stream.yaml_config.lookalikes import LOOKALIKES
from stream.yaml_config.problems import FileInvalid, Problem
from tests.snapshots import in_both_languages

SAMPLE = files("stream.rules").joinpath("default.yaml").read_text(encoding="utf-8")
#: The first version alone: as varied as both, and half as slow.
FIRST = SAMPLE[: SAMPLE.index("\n  - version: 2")] + "\n"
TWINS: dict[str, list[str]] = {}
for _twin, _lookalike in LOOKALIKES.items():
    TWINS.setdefault(_lookalike.right, []).append(_twin)


def told(text: str) -> list[Problem]:
    """Problems, or else warnings."""
    try:
        return list(judge_rules(text, "f").warnings)
    except FileInvalid as error:
        return list(error.problems)


def texts_in(node: yaml.Node | None, names: tuple[str, ...] = ()) -> Iterator[range]:
    """The places of texts: what stands below ``text`` and the like, without its quotes."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from texts_in(value, (*names, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from texts_in(item, names)
    elif isinstance(node, yaml.ScalarNode) and {"text", "short_text", "reasons"} & {*names}:
        quote = 1 if node.style else 0
        yield range(node.start_mark.index + quote, node.end_mark.index - quote)


def syntax(text: str) -> list[int]:
    """The indexes of all characters that a twin would make wrong: not of comments and texts.

    Of texts, those of placeholders.
    """
    free = {i for places in texts_in(yaml.compose(text, yaml.SafeLoader)) for i in places}
    free -= {i for found in re.finditer(r"\{\w+\}", text) for i in range(*found.span())}
    for comment in re.finditer(r"(?:^| )#(.*)$", text, re.M):
        free |= {*range(*comment.span(1))}
    return [i for i, character in enumerate(text) if i not in free and character in TWINS]


PLACES = syntax(FIRST)


def missed(text: str, at: int, twin: str) -> str:
    """Nothing, if a twin at an index is named at its place."""
    changed = text[:at] + twin + text[at + 1 :]
    place = (changed.count("\n", 0, at) + 1, at - changed.rfind("\n", 0, at))
    problems = told(changed)
    if any((p.line, p.column) == place and twin in str(p) for p in problems):
        return ""
    if twin.isspace() and place in {(p.line, p.column) for p in problems}:
        return ""
    return f"{twin!r} at {place}: {changed.splitlines()[place[0] - 1]}: {[*map(str, problems)]}"


@pytest.mark.fuzz
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_twin_in_the_sample_is_named_at_its_place(data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(PLACES))
    assert missed(FIRST, at, data.draw(st.sampled_from(TWINS[FIRST[at]]))) == ""


# name: (what is replaced, by what, where it is named, each with its column)
SLIPS: dict[str, tuple[str, str, list[str]]] = {
    "colon": ("points: 200", "points：200", ["30:15"]),
    "colon and space": ("versions:", "versions：", ["14:9"]),
    "colon in braces": ("{day: 500,", "{day：500,", ["27:19"]),
    "commas": ("[follow, login, purchase", "[follow，login、purchase", ["112:26", "112:32"]),
    "braces": ("{day: 500, month: 8000}", "｛day: 500, month: 8000｝", ["27:15", "27:37"]),
    "brackets": (
        "[till_purchase, pre_order]",
        "［till_purchase, pre_order］",
        ["107:16", "107:41"],
    ),
    "lenticular brackets": (
        "[till_purchase, pre_order]",
        "【till_purchase, pre_order】",
        ["107:16", "107:41"],
    ),
    "placeholder": ("{points} 积分", "｛points｝ 积分", ["132:26", "132:33"]),
    "closing quote": ('"{count} 次消费"', '"{count} 次消费”', ["137:31"]),
    "opening quote": ('"{count} 次消费"', '“{count} 次消费"', ["137:19"]),
    "quotes in braces": (
        "text:\n              zh-CN: 现磨咖啡一杯\n              en: a fresh coffee",
        "text: {zh-CN: 现磨咖啡一杯, en: “a: fresh coffee”}",
        ["118:39", "118:55"],
    ),
    "digits": ("expiry_days: 730", "expiry_days: ７３０", ["18:18", "18:19", "18:20"]),
    "letter": ("opt_in  ", "opt_iｎ  ", ["17:19"]),
    "hash": ("2026-01-01        #", "2026-01-01        ＃", ["16:34"]),
    "dash of an entry": ("- id: first_purchase", "－id: first_purchase", ["28:7"]),
    "no-break space": ("points: 200", "points:\u00a0200", ["30:16"]),
    "ideographic space": ("expiry_days: 730", "expiry_days:　730", ["18:17"]),
    "tab": ("    consent", "\tconsent", ["17:1"]),
    "tab after spaces": ("    consent", "  \t consent", ["17:3"]),
    "several in one file": (
        "points: 200\n        first_time: true",
        "points：200\n        first_time：true",
        ["30:15", "31:19"],
    ),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named_with_what_to_write(name: str) -> None:
    old, new, expected = SLIPS[name]
    assert old in FIRST
    problems = told(FIRST.replace(old, new, 1))
    assert [f"{p.line}:{p.column}" for p in problems] == expected
    in_both_languages("slips", name, problems[0].message)


def test_other_problems_of_the_file_stay_at_their_places() -> None:
    text = FIRST.replace("points: 200", "points：0", 1).replace("730", "0")
    both = text.replace("month: 8000", "month： 8000", 1)
    assert [f"{p.line}:{p.column} {p.where}" for p in told(both)] == [
        "18:18 versions[0].expiry_days",
        "27:31 file",
        "30:15 file",
        "30:16 versions[0].earn[1].points",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "注册：领取，{points}（积分）！",
        "“早鸟”专享　{points} 积分",
        "'「会员」，｛大括号｝：{points}'",
        "Ｎｅｗ： {points}",
        "{points}：“好”",
    ],
)
def test_a_text_may_have_any_of_them(text: str) -> None:
    written = text if text.startswith("'") else f'"{text}"'
    assert told(re.sub("立即.*", written, FIRST)) == []
    if not text.startswith("{"):
        assert told(re.sub("立即.*", text, FIRST)) == []


def test_what_is_no_slip_is_not_blamed_on_one() -> None:
    id_ = FIRST.replace("id: first_purchase", "id: 早餐（大）", 1)
    unclosed = FIRST.replace("[follow, ", "[[follow, ", 1)
    for text, place in ((id_, "28:13"), (unclosed, "113:9")):
        (problem,) = told(text)
        assert f"{problem.line}:{problem.column}" == place
        assert "full-width" not in str(problem)


@pytest.mark.parametrize("twins", ["：" * 2_000, "x：\n" * 2_000, "“" * 500 + "{" * 3])
def test_many_of_them_take_no_long_time(twins: str) -> None:
    assert told(f"versions:\n  - a: {twins}\n b: [")


@pytest.mark.parametrize(
    "indentation",
    ["\u3000" * 4, "\u3000" + " " * 6, " " * 6 + "\u3000", "    \u3000  ", "\u00a0\u3000     "],
)
def test_full_width_spaces_that_stand_for_two_are_named(indentation: str) -> None:
    before = (
        "versions:\n  - version: 1\n    effective: 2026-01-01\n    consent: opt_in\n    earn:\n"
    )
    rule = "      - id: spend\n        touchpoint: purchase\n"
    problems = told(f"{before}{rule}{indentation}points: 200\n")
    named = {(p.line, p.column) for p in problems if "looks like a space" in str(p)}
    assert named == {(8, n) for n, c in enumerate(indentation, 1) if c != " "}, problems
