# SPDX-License-Identifier: Apache-2.0
"""Post: entries of the ledger, in the form shadowpoints has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from benchmarks.peers.job.rules import VERSION
from benchmarks.peers.job.state import Account


class Output(NamedTuple):
    """A record for the world; ``topic`` is ``ledger`` or ``offers``."""

    topic: str
    subject: str
    value: bytes
    headers: list[tuple[str, bytes]]


def output(
    topic: str, type_: str, id_: str, subject: str, as_of_ms: int, body: dict[str, Any]
) -> Output:
    """CloudEvents in binary form."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", type_.encode()),
        ("ce_id", id_.encode()),
        ("ce_source", b"urn:example:peer"),
        ("ce_time", iso(as_of_ms).encode()),
        ("ce_subject", subject.encode()),
        ("content-type", b"application/json"),
    ]
    return Output(topic, subject, orjson.dumps(body), headers)


def iso(time_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    seconds, ms = divmod(time_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.isoformat()[:19]}.{ms:03}Z"


def entry(
    account: Account,
    key: str,
    cause: str,
    points: int,
    rule: str,
    outputs: list[Output],
    as_of_ms: int,
    counterpart: str = "",
) -> None:
    """Post ``points``; of a transfer there is a ``counterpart`` instead of a rule."""
    account.balance += points
    account.entries += 1
    entry_id = f"{cause}.{key[0]}{account.entries}"  # one cause may move two accounts
    body: dict[str, Any] = {
        "entry_id": entry_id,
        "consumer_id": key,
        "kind": "accrual" if points > 0 else "clawback",
        "points": points,
        "balance": account.balance,
        "cause": cause,
        "as_of": iso(as_of_ms),
    }
    if counterpart:
        body["kind"] = "transfer_in" if points > 0 else "transfer_out"
        body["counterpart"] = counterpart
    else:
        body["rule"], body["ruleset_version"] = rule, VERSION
    outputs.append(output("ledger", "entry.posted.v1", entry_id, key, as_of_ms, body))
