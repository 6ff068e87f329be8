# SPDX-License-Identifier: Apache-2.0
"""What one more event costs an account of many touches: CPU of both stages, and bytes stored.

    python -m benchmarks.weight [TOUCHES ...]

One consumer, by eight openids, pays so often in 30 days or more (500 times a day at most). Then
each kind of event comes alone, some times over. State is in memory, so the bytes are what a commit
would write to Redis: values, pages and output.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from stream.brand.directory import load_apps
from stream.rules.loader import load_rules
from stream.tables.base import Commit
from stream.tables.memory import MemoryTables
from stream.worker.in_process import LocalEngine

SIZES = (100, 1_000, 10_000, 30_000, 100_000)
REPEATS = 100
DAY_MS = 86_400_000
START_MS = 1_772_294_400_000  # 2026-03-01 in Shanghai
_ROOT = Path(__file__).parents[1]
_APP = "wx1a2b3c4d5e6f7a02"
_OPENIDS = [f"oHeavy{n:022d}" for n in range(8)]


class Watched(MemoryTables):
    """Tables which know how many bytes their commits had."""

    bytes_written = 0

    async def commit(self, commits: Any) -> Any:
        self.bytes_written += sum(map(_size, commits))
        return await super().commit(commits)


def _size(commit: Commit) -> int:
    size = 0
    for write in commit.writes.values():
        size += len(write.value or b"")
        size += sum(len(page or b"") for page in getattr(write, "pages", {}).values())
    return size + sum(len(record.value or b"") for record in commit.outputs)


class Heavy:
    """One consumer with so many payments, known by a Union ID."""

    def __init__(self, touches: int) -> None:
        book = load_rules(_ROOT / "benchmarks/rules.yaml")
        apps = load_apps(_ROOT / "stream/brand/apps.yaml")
        self.tables = Watched(4)
        self.engine = LocalEngine(book, apps, self.tables)
        self.serial = 0
        self.paid: list[tuple[str, int]] = []
        self.engine.clock_ms = START_MS
        for openid in _OPENIDS:
            body = {"appid": _APP, "openid": openid, "unionid": "uHeavy"}
            self._event("wechat.mini-program", "session.logged_in.v1", START_MS, body)
        self.consent()
        self.engine.settle()
        days = max(30, touches // 500)
        step = days * DAY_MS // touches
        for n in range(touches):
            self.pay(START_MS + 1_000 + n * step, START_MS + 1_000 + n * step)
            if n % 500 == 0:
                self.engine.settle()
        self.engine.advance(START_MS + days * DAY_MS)

    @property
    def now(self) -> int:
        return self.engine.clock_ms

    def pay(self, at: int, published: int | None = None) -> None:
        transaction = f"42000000{self.serial:020d}"
        self.paid.append((transaction, at))
        body = {
            "transaction_id": transaction,
            "out_trade_no": transaction,
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "success_time": _iso(at),
            "amount": {"total": 1200, "payer_total": 1200},
            "appid": _APP,
            "mchid": "1900000001",
            "payer": {"openid": _OPENIDS[self.serial % len(_OPENIDS)]},
        }
        self._event("wechat.pay", "payment.succeeded.v1", at, body, published)

    def check_in(self, at: int, ticket: str, reverts: bool = False) -> None:
        body: dict[str, Any] = {
            "appid": _APP,
            "openid": _OPENIDS[0],
            "event_id": "e",
            "list_id": "l",
        }
        body["ticket_id"] = ticket
        if reverts:
            body["checked_in_at"] = _iso(at)
        type_ = "check_in.reverted.v1" if reverts else "attendee.checked_in.v1"
        self._event("event.check-in", type_, at, body)

    def refund(self) -> None:
        transaction, _ = self.paid[self.serial * 37 % (len(self.paid) // 2)]
        body = {
            "transaction_id": transaction,
            "out_trade_no": transaction,
            "refund_id": f"50{self.serial:026d}",
            "out_refund_no": f"r{self.serial}",
            "mchid": "1900000001",
            "refund_status": "SUCCESS",
            "success_time": _iso(self.now),
            "amount": {"total": 1200, "refund": 100, "payer_total": 1200, "payer_refund": 100},
        }
        self._event("wechat.pay", "refund.succeeded.v1", self.now, body)

    def consent(self) -> None:
        body = {
            "appid": _APP,
            "openid": _OPENIDS[0],
            "text_version": "v1",
            "channel": "mini_program",
        }
        self._event("privacy.requests", "consent.granted.v1", self.now, body)

    def _event(
        self, topic: str, type_: str, at: int, body: Any, published: int | None = None
    ) -> None:
        self.serial += 1
        event = {
            "specversion": "1.0",
            "id": f"e{self.serial}",
            "source": "urn:benchmark",
            "type": type_,
            "time": _iso(at),
            "data": body,
        }
        self.engine.publish(topic, b"k", orjson.dumps(event), timestamp_ms=published or self.now)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def kinds(heavy: Heavy) -> Iterator[tuple[str, Callable[[int], object]]]:
    """By name, what publishes the n-th event of a kind."""
    yield "in order", lambda n: heavy.pay(heavy.now)
    yield "ten days late", lambda n: heavy.pay(heavy.now - 10 * DAY_MS + n)
    yield "clock 60 s ahead", lambda n: heavy.pay(heavy.now + 60_000)
    yield "refund", lambda n: heavy.refund()
    yield "consent", lambda n: heavy.consent()
    yield "revert", lambda n: heavy.check_in(heavy.now - DAY_MS, f"k{n}", reverts=True)


def measure(heavy: Heavy) -> dict[str, tuple[float, float]]:
    """By kind of event: median µs of CPU, and bytes written on average."""
    gc.collect()
    gc.freeze()  # what lies in the logs of this small world is no worker's
    found = {}
    for name, publish in kinds(heavy):
        times, before = [], heavy.tables.bytes_written
        for n in range(REPEATS):
            heavy.engine.clock_ms += 61_000
            publish(n)
            begin = time.process_time()
            heavy.engine.settle()
            times.append(time.process_time() - begin)
        times.sort()
        written = (heavy.tables.bytes_written - before) / REPEATS
        found[name] = (times[REPEATS // 2] * 1e6, written)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("touches", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args().touches
    print(f"{'touches':>8} {'event':18} {'CPU us':>9} {'x first':>8} {'bytes':>9} {'largest':>9}")
    first: dict[str, float] = {}
    for touches in sizes:
        heavy = Heavy(touches)
        for name, (cpu, written) in measure(heavy).items():
            ratio = cpu / first.setdefault(name, cpu)
            figures = f"{cpu:9.0f} {ratio:8.1f} {written:9,.0f} {largest(heavy):9,}"
            print(f"{touches:8,} {name:18} {figures}")
        dead = heavy.engine.counts().get("dead", 0)
        assert not dead, f"{dead} dead letters"


def largest(heavy: Heavy) -> int:
    """Bytes of the largest value under one key."""
    sizes = [0]
    for partition in heavy.tables._partitions:
        sizes += map(len, partition.values.values())
        for pages in getattr(partition, "pages", {}).values():
            sizes += map(len, pages.values())
    return max(sizes)


if __name__ == "__main__":
    main()
