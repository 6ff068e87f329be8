# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.tables.pieces import Pieces, head_of, join, numbers_of, split, stored

heads = st.binary(max_size=20).map(lambda rest: b"\x93" + rest)
pages = st.dictionaries(st.integers(0, 2**32 - 1), st.binary(max_size=20), max_size=4)


@given(heads, pages)
def test_what_is_joined_comes_apart_again(head: bytes, pages: dict[int, bytes]) -> None:
    value = stored(Pieces(head, list(pages), pages))
    assert (numbers_of(value), head_of(value)) == (list(pages), head)
    whole = join(value, list(pages.values())) if pages else value
    assert (numbers_of(whole), head_of(whole)) == (list(pages), head)
    assert split(whole) == (head, pages)


def test_a_value_without_pages_is_its_head() -> None:
    assert stored(Pieces(b"\x93")) == b"\x93"
    assert numbers_of(None) == []


@pytest.mark.parametrize(
    "value", [stored(Pieces(b"\x93", [7])), join(stored(Pieces(b"\x93", [7])), [b"page"])[:9]]
)
def test_a_value_whose_pages_are_missing_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"missing|short"):
        split(value)
