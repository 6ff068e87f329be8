"""Plant a bug in a copy of the source and let the simulation look for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from tests.mutants.catalogue import Edit, Mutant

ROOT = Path(__file__).parents[2]
_PARTS = ("schemas", "stream", "tests/simulation", "tests/support")


class OutOfDate(Exception):
    """A mutant's old text is not in the source, or not only once."""


@dataclass(frozen=True)
class Finding:
    """What became of a mutant: the check which caught it (``None``: it survived)."""

    check: str | None
    seeds: int
    seconds: float


def plant_and_search(edits: Sequence[Edit], seeds: int) -> Finding:
    """Run up to ``seeds`` seeds on a copy with the edits; stop at the first failure."""
    begun = time.monotonic()
    with TemporaryDirectory() as directory:
        copy = Path(directory)
        for part in _PARTS:
            shutil.copytree(
                ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "test_*.py")
            )
        for edit in edits:
            _apply(copy, edit)
        command = [sys.executable, "-m", "tests.simulation", "--json", "--seeds", str(seeds)]
        environment = os.environ | {"PYTHONPATH": directory, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        if not done.stdout:
            raise RuntimeError(f"The simulation did not run: {done.stderr[-2000:]}")
        answer = orjson.loads(done.stdout)
    failure = answer["failure"]
    check = failure["check"] if failure else None
    return Finding(check, answer["seeds"], time.monotonic() - begun)


def check_fits(mutant: Mutant) -> None:
    """Raise :class:`OutOfDate` unless each old text is in the source exactly once."""
    for edit in mutant.edits:
        found = (ROOT / edit.file).read_text().count(edit.old)
        if found != 1:
            raise OutOfDate(f"{mutant.name}: found {found} times in {edit.file}: {edit.old!r}")


def _apply(copy: Path, edit: Edit) -> None:
    file = copy / edit.file
    file.write_text(file.read_text().replace(edit.old, edit.new))
