# SPDX-License-Identifier: Apache-2.0
"""Code is found by what it is, wherever and however it is written within its place."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.catalogue import read
from tests.mutants.mutant import Edit, Mutant
from tests.mutants.rewriting import OutOfDate, rewrite, undefined

SOURCE = '''\
LIMITS = {"a": 1, "b": 2}

class Shop:
    def sell(self, price: int) -> int:
        """Sell."""
        total = (  # 货款
            price
            + 1
        )
        if total:
            self.log(total)
        for item in self.items:
            self.log(item)
            total += 1
        return total

def sell(price: int) -> int:
    return price + 1
'''


def changed(place: str, old: str, new: str, source: str = SOURCE) -> str:
    return ast.unparse(ast.parse(rewrite(source, Edit("f.py", place, old, new))))


def plain(source: str) -> str:
    return ast.unparse(ast.parse(source))


@pytest.mark.parametrize(
    ("place", "old", "new", "was", "becomes"),
    [
        ("Shop.sell", "price+1", "price - 1", "price\n            + 1", "price - 1"),
        ("sell", "price + 1", "price or 2", "return price + 1", "return price or 2"),
        ("LIMITS", "2", "3", '"b": 2', '"b": 3'),
        ("Shop.sell", "total = price + 1", "total = 0", "price\n            + 1", "0"),
        ("Shop.sell", "self.log(total)", "", "self.log(total)", "pass"),
        ("Shop.sell", "self.log(item)\ntotal += 1", "", "self.log(item)\n            total += 1",
         "pass"),
        ("Shop.sell", "if total: ...", "if not total: ...", "if total:", "if not total:"),
        ("Shop.sell", "for item in self.items: ...", "some = 3\nfor item in some: ...",
         "for item in self.items:", "some = 3\n        for item in some:"),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_only_what_is_named_changes(place: str, old: str, new: str, was: str, becomes: str) -> None:
    assert SOURCE.count(was) == 1
    assert changed(place, old, new) == plain(SOURCE.replace(was, becomes))


@pytest.mark.parametrize(
    ("place", "old", "said"),
    [
        ("Shop.sell", "price - 1", "found 0 times in Shop.sell"),
        ("Shop.sell", "total", "found 3 times"),
        ("Shop", "self.log(total)\nreturn total", "found 0 times"),
        ("Shop.buy", "price", "has Shop.buy 0 times"),
    ],
)
def test_what_fits_nowhere_or_twice_is_out_of_date(place: str, old: str, said: str) -> None:
    with pytest.raises(OutOfDate, match=said):
        changed(place, old, "0")


def test_names_which_nobody_has_are_found() -> None:
    edits = [Edit("f.py", "sell", "price + 1", "sum(n for n in prices) + LIMITS + price")]
    assert undefined(SOURCE, edits) == {"prices"}


def test_a_catalogue_is_read() -> None:
    text = "# of shops\nquick: free\nf.py sell\n- a\n-     b\n+ c\ng.py LIMITS\n- d\n"
    free = (Edit("f.py", "sell", "a\n    b", "c"), Edit("g.py", "LIMITS", "d", ""))
    assert read(f"{text}\nplant: dear\nf.py x\n- e\n") == (
        Mutant("free", free, quick=True),
        Mutant("dear", (Edit("f.py", "x", "e", ""),)),
    )
    with pytest.raises(ValueError, match="not the name of a bug: 'dear'"):
        read("dear\n")
