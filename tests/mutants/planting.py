# SPDX-License-Identifier: Apache-2.0
"""Plant a bug in a copy of the source and let the simulation look for it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from tests.mutants.mutant import Edit, Mutant
from tests.mutants.rewriting import OutOfDate, rewrite, undefined

ROOT = Path(__file__).parents[2]
_PARTS = ("schemas", "stream", "tests")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "interop")


@dataclass(frozen=True)
class Finding:
    """What became of a mutant: the check which caught it (``None``: it survived)."""

    check: str | None
    seeds: int
    seconds: float


def plant_and_search(mutant: Mutant, seeds: int) -> Finding:
    """Run up to ``seeds`` seeds, or the test, on a copy with the bug; stop at the first failure."""
    begun = time.monotonic()
    with TemporaryDirectory() as directory:
        copy = Path(directory)
        for part in _PARTS:
            shutil.copytree(ROOT / part, copy / part, ignore=_LEFT_OUT)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for edit in mutant.edits:
            _apply(copy, edit)
        check, done = _test(mutant.test, copy) if mutant.test else _simulate(seeds, copy)
    return Finding(check, done, time.monotonic() - begun)


def _simulate(seeds: int, copy: Path) -> tuple[str | None, int]:
    """The check that failed, and after how many seeds."""
    done = _run(["-m", "tests.simulation", "--json", "--seeds", str(seeds)], copy)
    if not done.stdout:
        raise RuntimeError(f"The simulation did not run: {done.stderr[-2000:]}")
    answer = orjson.loads(done.stdout)
    return answer["failure"] and answer["failure"]["check"], answer["seeds"]


def _test(test: str, copy: Path) -> tuple[str | None, int]:
    """The test if it failed."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-profile=hunt"]
    done = _run(["-m", "pytest", *options, test], copy)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} did not run: {done.stdout[-2000:]}")
    return (Path(test.partition("::")[0]).stem if done.returncode else None), 0


def _run(arguments: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    more = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}
    command = [sys.executable, *arguments]
    # Not as a worker of xdist, which this process may be.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | more
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def check_fits(mutant: Mutant) -> None:
    """Raise :class:`OutOfDate` unless the mutant can be planted and what it then reads exists."""
    for file, edits in _by_file(mutant.edits).items():
        source = (ROOT / file).read_text("utf-8")
        try:
            ast.parse(reduce(rewrite, edits, source))
        except (OutOfDate, SyntaxError) as error:
            raise OutOfDate(f"{mutant.name}: {error}") from None
        if missing := undefined(source, edits):
            raise OutOfDate(f"{mutant.name}: {file} does not know {', '.join(sorted(missing))}")


def _by_file(edits: Sequence[Edit]) -> dict[str, list[Edit]]:
    return {e.file: [edit for edit in edits if edit.file == e.file] for e in edits}


def _apply(copy: Path, edit: Edit) -> None:
    file = copy / edit.file
    file.write_text(rewrite(file.read_text("utf-8"), edit), "utf-8")
