# SPDX-License-Identifier: Apache-2.0
"""A test of classes that chooses nobody, or leaves out nobody, is a warning at its place."""

from __future__ import annotations

import pytest

from stream.rules.loader import judge_rules
from tests.rules.test_class_checks import BASE, WHO

# name: (what is replaced, by what, the place of the first warning)
CASES = {
    "a level above the highest": (WHO, "{tier: {gt: gold}}", "earn[0].who: fits nobody"),
    "a level from the lowest down": (WHO, "{tier: {lte: gold}}", "earn[0].who: fits everybody"),
    "two classes that exclude each other": (
        "{tier: gold}",
        "{tier: bronze, rfm: {ne: '111'}, r: 1, f: 1, m: 1}",
        "tags[0].who: fits nobody",
    ),
    "a tag and what it excludes": (
        WHO,
        "{tags: vip, tier: {ne: gold}}",
        "earn[0].who: fits nobody",
    ),
    "all stages": (
        WHO,
        "{lifecycle: {in: [prospect, new, active, cooling, silent, lapsed]}}",
        "earn[0].who: fits everybody",
    ),
}


def warned(text: str) -> list[str]:
    return [str(warning) for warning in judge_rules(text, "r.yaml").warnings]


def test_what_chooses_some_is_meant() -> None:
    assert warned(BASE) == []


@pytest.mark.parametrize(("old", "new", "said"), CASES.values(), ids=CASES)
def test_what_chooses_nobody_or_everybody_is_a_warning(old: str, new: str, said: str) -> None:
    assert BASE.count(old) == 1
    first, *others = warned(BASE.replace(old, new))
    assert f"versions[0].{said}" in first
    assert others == [] or "tags" in first  # who asks for a tag of nobody is nobody


def test_segments_without_any_are_a_warning() -> None:
    start, end = BASE.index("      lifecycle:"), BASE.index("    tags:")
    text = BASE[:start] + BASE[end:].replace(WHO, "{tags: vip}")
    (warning,) = warned(text)
    assert "versions[0].segments: defines no segments" in warning
