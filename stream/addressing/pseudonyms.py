# SPDX-License-Identifier: Apache-2.0
"""Name erased people by keyed hashes, which reveal nothing about them."""

from __future__ import annotations

from hashlib import blake2b

from stream.addressing.partitioning import ERASED, entity_partition


def id_of(secret: bytes) -> str:
    """A short hash to recognise a secret by; "" for none."""
    return blake2b(secret, digest_size=8, person=b"shadowpoints-id").hexdigest() if secret else ""


def may_be_erased(key: str) -> bool:
    """Whether an entity is a person, who gets a mark when erased; a payment gets none."""
    return key.startswith(("union.", "origin."))


class Pseudonyms:
    """Names entities ``erased.<partition>.<hash>``, in the partition of the one they stand for.

    ``secret`` has at most 64 bytes. With another secret no erased person is recognised.
    """

    def __init__(self, secret: bytes, partitions: int) -> None:
        self.partitions = partitions
        self._hash = blake2b(key=secret, digest_size=16)

    def of(self, key: str) -> str:
        """The name under which the erasure of ``key`` is stored."""
        digest = self._hash.copy()
        digest.update(key.encode())
        return f"{ERASED}.{entity_partition(key, self.partitions)}.{digest.hexdigest()}"
