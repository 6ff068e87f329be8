# SPDX-License-Identifier: Apache-2.0
"""What a consumer of the output topics has read, each output once by its id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Read
from tests.integration.test_day import merged
from tests.support.snapshot import Snapshot


@dataclass
class Outputs:
    """Sums over every output; a repeated output must have the same bytes."""

    balances: Counter[str] = field(default_factory=Counter)  # consumer -> points of the ledger
    paid: Counter[tuple[str, str]] = field(default_factory=Counter)  # consumer, member -> points
    repeated: int = 0
    _seen: dict[bytes, bytes] = field(default_factory=dict)

    @classmethod
    async def read(cls, cluster: Cluster) -> Outputs:
        """Read ledger, offers and identity to their ends."""
        outputs = cls()
        for channel in Channel:
            async for record in cluster.stream(cluster.names.channel(channel)):
                if outputs._is_new(record):
                    outputs._take(channel, record)
        return outputs

    def _is_new(self, record: Read) -> bool:
        content = repr((record.key, record.value, sorted(record.headers.items())))
        digest = blake2b(content.encode(), digest_size=8).digest()
        known = self._seen.setdefault(blake2b(record.id.encode(), digest_size=16).digest(), digest)
        assert known == digest, "an output was repeated with other bytes"
        self.repeated += known is not digest
        return known is digest

    def _take(self, channel: Channel, record: Read) -> None:
        if channel is Channel.IDENTITY:
            return
        data = orjson.loads(record.value or b"{}")
        if channel is Channel.LEDGER:
            self.balances[data["consumer_id"]] += data["points"]
        elif "enrolled_at" in data:
            self.paid[data["consumer_id"], data["member_id"]] += data["points"]

    def agree_with(self, real: Snapshot) -> None:
        """Raise ``AssertionError`` unless the ledger adds up to the balances, payouts too."""
        assert _nonzero(self.balances) == real.balances
        assert _nonzero(merged(dict(self.paid), real)) == _nonzero(merged(real.payouts, real))


async def dead_places(cluster: Cluster) -> dict[tuple[str, int], set[int]]:
    """The places of the log which dead letters name: per partition of a topic, the offsets."""
    places: dict[tuple[str, int], set[int]] = {}
    async for record in cluster.stream(cluster.names.dead_letters):
        topic, partition, offset = (
            record.headers[f"__connect.errors.{name}"].decode()
            for name in ("topic", "partition", "offset")
        )
        places.setdefault((topic, int(partition)), set()).add(int(offset))
    return places


def _nonzero(points: Mapping[str, int] | Mapping[tuple[str, str], int]) -> dict[object, int]:
    return {key: value for key, value in points.items() if value}
