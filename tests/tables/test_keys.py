# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from importlib import resources

import pytest
from redis.crc import key_slot

from stream.tables.keys import META_FIELDS, partition_keys, partitions_key


def test_all_keys_of_a_partition_are_in_one_slot() -> None:
    keys = partition_keys("sp", 7)
    names = [keys.meta, keys.pending, keys.due, keys.entity("tx.42"), keys.entity("{x}")]
    assert len({key_slot(name.encode()) for name in names}) == 1


def test_no_two_keys_are_the_same() -> None:
    names = [partitions_key("sp"), partitions_key("sp2")]
    for namespace, partition in [("sp", 1), ("sp", 11), ("sp1", 1), ("sp-1", 1)]:
        keys = partition_keys(namespace, partition)
        names += [keys.meta, keys.pending, keys.due, keys.entity("m"), keys.entity("")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("namespace", ["", "a.b", "a{b", "a}b", "a b", "a*", "é", "x" * 33, "a\n"])
def test_a_namespace_fits_into_a_hash_tag(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        partition_keys(namespace, 0)
    with pytest.raises(ValueError, match="namespace"):
        partitions_key(namespace)


def test_scripts_name_the_same_fields() -> None:
    scripts = resources.files("stream.tables").joinpath("lua")
    source = "".join(script.read_text("utf-8") for script in scripts.iterdir())
    assert set(re.findall(r"'([a-z]:?)'", source)) == {field.decode() for field in META_FIELDS}
