# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as reference
from hypothesis import example, given
from hypothesis import strategies as st

from stream.addressing.partitioning import entity_partition, murmur2, partition_of


@given(st.binary(max_size=80))
@example(b"")
@example(b"abc\xff")
def test_the_hash_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


@given(st.binary(max_size=80), st.integers(1, 100))
def test_a_key_goes_where_every_client_sends_it(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))

    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


def test_an_entity_has_the_partition_of_its_key_for_ever() -> None:
    keys = ("origin.wx1.o1", "origin.wx1.o2", "union.a.u1", "tx.4200000001")
    assert [entity_partition(key, 8) for key in keys] == [2, 0, 2, 1]
    assert entity_partition("erased.5.0a", 8) == 5
    assert entity_partition("erased.x.0a", 8) == -1


@pytest.mark.parametrize("partitions", [3, 8, 64])
def test_entities_are_spread_evenly(partitions: int) -> None:
    found = Counter(entity_partition(f"union.a.oUni0_{n:022d}", partitions) for n in range(32_000))
    assert len(found) == partitions
    assert max(found.values()) < 1.2 * 32_000 / partitions
