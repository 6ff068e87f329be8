"""Token buckets that limit the events of each client, and of each person behind an SDK. Pure.

A bucket holds the events of ``BURST_S`` seconds and refills evenly. Each process has its own
buckets: several gateways allow a multiple, and a new process starts with full ones.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import Final

from stream.brand.clients import Client, ClientKind
from stream.gateway.endpoints.batch_parser import EVENTS_MAX
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

BURST_S: Final = 60
#: Above this the least recently used bucket is dropped, and is full when it is needed again.
BUCKETS_MAX: Final = 100_000


class RateLimits:
    """Two rates, in events a second; a bucket always holds at least one full request."""

    def __init__(self, *, session_per_s: float, client_per_s: float) -> None:
        self._rates = {True: session_per_s, False: client_per_s}
        self._buckets: OrderedDict[object, tuple[float, int]] = OrderedDict()  # left, at (ms)

    def take(
        self, client: Client, origin: tuple[str, str] | None, events: int, now_ms: int
    ) -> None:
        """Take the events from the bucket, or raise ``DeliveryRejected`` with the time to wait.

        With an SDK each person has a bucket, over all logins: its key is public, and one person
        must not use up what the others need.
        """
        of_person = client.kind is ClientKind.SDK
        rate_per_s = self._rates[of_person]
        full = max(rate_per_s * BURST_S, EVENTS_MAX)
        key = (client.id, origin) if of_person else client.id
        left, at_ms = self._buckets.pop(key, (full, now_ms))
        left = min(full, left + max(0, now_ms - at_ms) / 1000 * rate_per_s)
        enough = left >= events
        self._buckets[key] = (left - events if enough else left, now_ms)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        if not enough:
            wait_s = ceil((events - left) / rate_per_s)
            raise DeliveryRejected(
                RejectReason.LIMITED, f"Too many events; send it again in {wait_s} s.", wait_s
            )
