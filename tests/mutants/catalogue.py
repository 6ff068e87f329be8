# SPDX-License-Identifier: Apache-2.0
"""Bugs to plant: small, realistic, each a change of the product's code; ``catalogue.txt`` has them.

A bug has its tier (``quick``, ``plant`` or the test that finds it) and a name; then for each edit
the file and the place, the old code (``-``) and the new (``+``; none: the old code is left out).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.mutants.mutant import Edit, Mutant

FILE = Path(__file__).with_name("catalogue.txt")


def read(text: str) -> tuple[Mutant, ...]:
    """The mutants of a catalogue: blocks, of which empty lines mark the end."""
    return tuple(map(_mutant, filter(None, map(str.strip, text.split("\n\n")))))


def _mutant(block: str) -> Mutant:
    first, *lines = (line for line in block.splitlines() if not line.startswith("#"))
    tier, _, name = first.partition(": ")
    test = tier if tier.startswith("tests/") else ""
    if tier not in ("quick", "plant", test):
        raise ValueError(f"not the name of a bug: {first!r}")
    edits: list[Edit] = []
    for line in lines:
        match line.partition(" "):
            case ("-", _, code):
                edits[-1] = replace(edits[-1], old=f"{edits[-1].old}\n{code}".lstrip("\n"))
            case ("+", _, code):
                edits[-1] = replace(edits[-1], new=f"{edits[-1].new}\n{code}".lstrip("\n"))
            case (file, _, place):
                edits.append(Edit(file, place, "", ""))
    return Mutant(name, tuple(edits), quick=bool(test) or tier == "quick", test=test)


MUTANTS = read(FILE.read_text("utf-8"))
