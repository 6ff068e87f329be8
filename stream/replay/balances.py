"""The balances file: a line of JSON for each account which has points or an offer, by consumer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from heapq import merge
from pathlib import Path

import orjson

from stream.engine.offers import Live


def balance_line(key: str, points: int, offer: Live | str) -> bytes:
    """``offer`` is the points offered, or null."""
    offered = offer.points if isinstance(offer, Live) else None
    document = {"consumer_id": key, "balance": points, "offer": offered}
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def write_part(path: Path, lines: list[bytes]) -> None:
    """One process's lines, for :func:`write_all`; as bytes they are in order of consumers."""
    with path.open("xb") as file:
        file.writelines(sorted(lines))


def write_all(path: Path, parts: Iterable[Path]) -> None:
    """Make one file of the parts, readable for its owner alone; raises ``OSError``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # one which was there before, too
        files = [part.open("rb") for part in parts]
        try:
            file.writelines(merge(*files))
        finally:
            for part in files:
                part.close()
