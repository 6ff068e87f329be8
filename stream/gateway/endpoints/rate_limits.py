# SPDX-License-Identifier: Apache-2.0
"""Token buckets that limit the events of each client, and of each person behind an SDK. Pure.

A bucket holds the events of ``BURST_S`` seconds and refills evenly. Each process has its own
buckets: several gateways allow a multiple, and a new process starts with full ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from math import ceil
from typing import Final

from stream.brand.clients import Client, ClientKind
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

BURST_S: Final = 60
#: Events of the largest request; a bucket holds at least as many.
REQUEST_MAX: Final = 200
#: Above this the least recently used bucket is dropped, and is full when it is needed again.
BUCKETS_MAX: Final = 100_000


class RateLimits:
    """Two rates, in events a second."""

    def __init__(self, *, session_per_s: float, client_per_s: float) -> None:
        self._session_per_s, self._client_per_s = session_per_s, client_per_s
        self._buckets: OrderedDict[object, tuple[float, int]] = OrderedDict()  # left, at (ms)

    def take(
        self, client: Client, events: Collection[tuple[tuple[str, str] | None, int]], now_ms: int
    ) -> None:
        """Take the events of each person, or none and raise ``DeliveryRejected`` with the wait.

        They come from the client's bucket; with an SDK also from each person's, over all logins:
        its key is public, and one person must not use up what the others need. ``None`` is who is
        not known yet: somebody about to log in.
        """
        wanted: list[tuple[object, float, int]] = [
            (client.id, self._client_per_s, sum(n for _, n in events))
        ]
        if client.kind is ClientKind.SDK:
            wanted += [
                ((client.id, who), self._session_per_s, n) for who, n in events if who is not None
            ]
        levels = [self._level(key, rate_per_s, now_ms) for key, rate_per_s, _ in wanted]
        wait_s = max(
            ceil((n - left) / rate_per_s)
            for (_, rate_per_s, n), left in zip(wanted, levels, strict=True)
        )
        for (key, _, n), left in zip(wanted, levels, strict=True):
            self._buckets[key] = (left - n if wait_s <= 0 else left, now_ms)
        while len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if wait_s > 0:
            raise DeliveryRejected(
                RejectReason.LIMITED, f"Too many events; send it again in {wait_s} s.", wait_s
            )

    def _level(self, key: object, rate_per_s: float, now_ms: int) -> float:
        """What is left in a bucket, which is taken out."""
        full = max(rate_per_s * BURST_S, REQUEST_MAX)
        left, at_ms = self._buckets.pop(key, (full, now_ms))
        return min(full, left + max(0, now_ms - at_ms) / 1000 * rate_per_s)
