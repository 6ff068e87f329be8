# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.desk.identifiers import candidates, masked
from stream.engine.model.directory import Directory

DIRECTORY = Directory({"wxa": "brand"}, {}, frozenset({"wxa", "wxb"}))


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("origin.wxa.o1", {"origin.wxa.o1"}),
        ("wxb o1", {"origin.wxb.o1", "union.wxb.o1"}),
        ("brand u1", {"origin.brand.u1", "union.brand.u1"}),
        ("x1", {"origin.wxa.x1", "origin.wxb.x1", "union.brand.x1", "tx.x1"}),
        ("one two three", set()),
    ],
)
def test_what_words_may_mean(words: str, keys: set[str]) -> None:
    found = set(candidates(words.split(), DIRECTORY))
    assert {key for key in found if not key.startswith("tx.")} == keys - {"tx.x1"}
    assert ("tx.x1" in found) == ("tx.x1" in keys)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("origin.wxa.oMei0000000000000000000000002", "origin.wxa.oMei…0002"),
        ("oMei0000000000000000000000002", "oMei…0002"),
        ("union.brand.u1", "union.brand.…"),
    ],
)
def test_what_is_masked_keeps_its_ends(key: str, shown: str) -> None:
    assert masked(key) == shown
