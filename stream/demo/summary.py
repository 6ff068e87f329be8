"""The summary in words: what came in, what became of it, what does not add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def lines_of(summary: dict[str, Any]) -> Iterator[str]:
    """The lines to print; a check which fails has its own."""
    records, points, offers = summary["records"], summary["points"], summary["offers"]
    payouts = summary["payouts"]
    outcomes = " + ".join(f"{n:,} {name}" for name, n in records.items() if name != "in")
    yield ""
    yield f"records   {records['in']:,} in = {outcomes}"
    yield (
        f"points    {points['accrued']:,} accrued - {points['clawed_back']:,} clawed back - "
        f"{points['expired']:,} expired - {points['paid_out']:,} paid out"
    )
    yield (
        f"          = {points['balance_of_ledger']:,} by the ledger topic, "
        f"{points['balance_of_tables']:,} by the tables"
    )
    yield (
        f"identity  {summary['accounts']:,} accounts with points, "
        f"{summary['binds']:,} origins bound, {summary['conflicts']:,} conflicts"
    )
    told = ", ".join(f"{n:,} {word}" for word, n in offers.items())
    yield f"offers    {told}"
    yield (
        f"payouts   {payouts['issued']:,} issued, {payouts['corrected']:,} corrected, "
        f"{payouts['points']:,} points"
    )
    first = summary["first_offer_s"]
    after = "no offer" if first is None else f"first offer after {first:.1f} s"
    yield (
        f"time      {after}, all settled after {summary['settled_s']:.1f} s, "
        f"{summary['events_per_s']:,} records a second while busy"
    )
    checks = summary["checks"]
    failed = [check for check in checks if not check["holds"]]
    for check in failed:
        yield f"MISMATCH  {check['name']}: {check['left']:,} against {check['right']:,}"
    if not failed:
        yield f"checks    all {len(checks)} hold"
