from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as reference
from hypothesis import example, given
from hypothesis import strategies as st

from stream.runtime.partitioning import entity_partition, murmur2, partition_of


@given(st.binary(max_size=80))
@example(b"")
@example(b"abc\xff")
def test_the_hash_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


@given(st.binary(max_size=80), st.integers(1, 100))
def test_a_key_goes_where_every_client_sends_it(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))

    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


def test_an_entity_has_the_partition_of_its_key() -> None:
    assert entity_partition("origin.wx1.o1", 8) == partition_of(b"origin.wx1.o1", 8)
