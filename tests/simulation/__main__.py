# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.simulation``: run seeds, or one seed and its shortest failing form."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import count, islice

import orjson

from tests.simulation.plan import Theme, plan_of
from tests.simulation.shrink import run, shrink
from tests.simulation.telling import replay_command, tell

_PROGRESS_S = 10.0
_FAILURES_MAX = 3


@dataclass(frozen=True)
class Failure:
    """What the simulation found, in few words."""

    seed: int
    check: str
    text: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, shrink it if it fails, tell it")
    parser.add_argument("--seeds", type=int, default=1000, help="how many to run")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--theme", type=Theme, choices=[*Theme], help="none but seeds about this")
    parser.add_argument("--shrink-s", type=float, default=60.0, help="seconds spent on shrinking")
    parser.add_argument("--json", action="store_true", help="stop at the first failure, as JSON")
    arguments = parser.parse_args()
    logging.disable()  # refused commits are what this is about
    if arguments.seed is not None:
        return one(arguments.seed, arguments.shrink_s)
    return many(arguments.start, arguments.seeds, arguments.theme, as_json=arguments.json)


def one(seed: int, shrink_s: float) -> int:
    plan = plan_of(seed)
    violation, world = run(plan)
    if violation is not None:
        print(f"Seed {seed} breaks: {violation.check}. Shrinking for at most {shrink_s:g} s ...")
        plan = shrink(plan, violation, shrink_s)
        violation, world = run(plan)
    print(tell(plan, violation, world))
    return 0 if violation is None else 1


def many(start: int, seeds: int, theme: Theme | None = None, *, as_json: bool = False) -> int:
    """Run seeds, or those about a theme, until some have failed; 1 if one did."""
    begun = reported = time.monotonic()
    failures: list[Failure] = []
    done, steps, inputs, faults, themes = 0, 0, 0, Counter[str](), Counter[str]()
    plans = (plan for plan in map(plan_of, count(start)) if theme in (None, plan.theme))
    for plan in islice(plans, seeds):
        violation, world = run(plan)
        done, steps, inputs = done + 1, steps + world.steps, inputs + len(plan.inputs)
        themes[str(plan.theme)] += 1
        faults.update(str(fault.kind) for fault in plan.faults)
        if violation is not None:
            failures.append(Failure(plan.seed, violation.check, str(violation)))
            if not as_json:
                print(f"{violation}\n  {replay_command(plan.seed)}", flush=True)
            if as_json or len(failures) == _FAILURES_MAX:
                break
        if not as_json and time.monotonic() - reported > _PROGRESS_S:
            reported = time.monotonic()
            print(f"{done} seeds, {done / (reported - begun):.0f}/s", flush=True)
    if as_json:
        failure = asdict(failures[0]) if failures else None
        print(orjson.dumps({"seeds": done, "failure": failure}).decode())
    else:
        seconds = time.monotonic() - begun
        print(
            f"{done} seeds in {seconds:.1f} s ({done / seconds:.0f}/s): {inputs} publications, "
            f"{steps} steps, themes: {dict(sorted(themes.items()))}, "
            f"faults: {dict(sorted(faults.items()))}; {len(failures)} failed"
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
