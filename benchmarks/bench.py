# SPDX-License-Identifier: Apache-2.0
"""A small run of everything, within five minutes; ``make bench``.

Writes to ``benchmarks/report/small``, which is not kept, and ends with a line for each target:
name, ratio, target, ``met`` or ``short``. The report's own numbers are of larger runs.
"""

from __future__ import annotations

import subprocess

from benchmarks import compare, growth, latency
from benchmarks.contenders import PEERS_PYTHON
from benchmarks.kept import SMALL
from benchmarks.targets import targets


def main() -> None:
    """Small sizes, but of the million consumers, which take too long to meet."""
    print("All four, the same events")
    compare.main(["--events", "10000", "--consumers", "1000"], SMALL)
    print("From the event to the offer")
    latency.main(
        [
            *("--seconds", "2", "--shares", "0.5"),
            *("--saturate", "5000", "--peers", "plain"),
        ],
        SMALL,
    )
    print("Growth")
    growth.main(
        [
            *("--touchpoints", "20", "--of", "200"),
            *("--consumers", "1000,10000", "--met", "1", "--events", "5000"),
            *("--partitions", "", "--workers", ""),
        ],
        SMALL,
    )
    subprocess.run([PEERS_PYTHON, "-m", "benchmarks.draw", str(SMALL)], check=True)
    for target in targets(SMALL):
        print(target)


if __name__ == "__main__":
    main()
