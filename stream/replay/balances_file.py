# SPDX-License-Identifier: Apache-2.0
"""Write the balances file: a line of JSON for each account with points or an offer, by id."""

from __future__ import annotations

import os
from collections.abc import Iterable
from heapq import merge
from pathlib import Path

import orjson

from stream.engine.points.offer_blocks import Live


def balance_line(key: str, points: int, offer: Live | str) -> bytes:
    """One line; its ``offer`` is the points offered, or null."""
    offered = offer.points if isinstance(offer, Live) else None
    document = {"consumer_id": key, "balance": points, "offer": offered}
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def write_part(path: Path, lines: list[bytes]) -> None:
    """Write the lines of one process for :func:`write_all`, sorted as bytes, so by consumer."""
    with path.open("xb") as file:
        file.writelines(sorted(lines))


def write_all(path: Path, parts: Iterable[Path]) -> None:
    """Merge the parts into one file that only its owner can read; raises ``OSError``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # also if the file existed before
        files = [part.open("rb") for part in parts]
        try:
            file.writelines(merge(*files))
        finally:
            for part in files:
                part.close()
