# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.mutants``: plant every bug in turn; 1 if one survives its seeds."""

from __future__ import annotations

import argparse
import sys

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.planting import check_fits, plant_and_search

SEEDS = 5000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds per bug, at most")
    parser.add_argument("--only", default="", help="bugs whose name contains this")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant.name]
    for mutant in chosen:
        check_fits(mutant)
    print(f"Each bug has {arguments.seeds} seeds in which to be found.\n", flush=True)
    print(f"{'planted bug':64} {'caught by':22} {'seeds':>5} {'s':>5}", flush=True)
    control = plant_and_search(Mutant("", ()), min(arguments.seeds, 300))
    print(_row("(none)", control.check or "nothing", control.seeds, control.seconds), flush=True)
    survivors = 0
    for mutant in chosen:
        found = plant_and_search(mutant, arguments.seeds)
        survivors += found.check is None
        check = found.check or "SURVIVED"
        print(_row(mutant.name, check, found.seeds, found.seconds), flush=True)
    print(f"\n{len(chosen) - survivors} of {len(chosen)} caught")
    if control.check is not None:
        print("Without a planted bug something is caught, too: run make simulate first.")
    return 1 if survivors or control.check else 0


def _row(name: str, check: str, seeds: int, seconds: float) -> str:
    return f"{name:64} {check:22} {seeds:5} {seconds:5.1f}"


if __name__ == "__main__":
    sys.exit(main())
