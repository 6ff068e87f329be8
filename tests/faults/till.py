# SPDX-License-Identifier: Apache-2.0
"""A till: numbered payments of 185 points each, and how many of them a deployment has posted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.integration import till
from tests.integration.cluster import Cluster, Source

SETTLED_S = 100  # on a machine which has much else to do; a few seconds where it has not


def payment(number: int) -> bytes:
    """A payment of 18.50 yuan by somebody of whom nothing else is heard."""
    return till.paid(number, datetime.now(UTC))


def login(number: int) -> bytes:
    """A visit to the mini-program, which earns nothing here."""
    data = {"appid": till.APP, "openid": f"oTill{number:023}"}
    return till.event(f"login-{number}", "session.logged_in.v1", datetime.now(UTC), data)


def payments(numbers: Iterable[int]) -> list[Source]:
    return [("wechat.pay", None, payment(number), ()) for number in numbers]


def logins(numbers: Iterable[int]) -> list[Source]:
    return [("wechat.mini-program", None, login(number), ()) for number in numbers]


@contextmanager
def deployed(
    bootstrap: str, redis_url: str, namespace: str, folder: Path, **settings: str
) -> Iterator[Cluster]:
    """A deployment of one partition with the till's rules, of which workers may end."""
    mine = {"RULES": till.rules_in(folder), "FETCH_WAIT_S": "0.2", **settings}
    with Cluster(
        bootstrap, redis_url, namespace, folder, partitions=1, settings=mine, supervised=True
    ) as cluster:
        yield cluster


async def posted(cluster: Cluster) -> int:
    """How many payments the ledger has, each once."""
    points = await till.posted(cluster)
    assert points % till.POINTS == 0
    return points // till.POINTS


def log_of(cluster: Cluster) -> str:
    """What all workers have said."""
    return "\n".join(path.read_text("utf-8") for path in sorted(cluster.logs.glob("worker-*.log")))


def errors_in(log: str) -> list[str]:
    return re.findall(r"\[(?:ERROR|CRITICAL)\].*", log)
