# SPDX-License-Identifier: Apache-2.0
"""Run the product's commands, and others, as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SHADOWPOINTS = [sys.executable, "-m", "stream.cli"]


def others() -> dict[str, str]:
    """The environment without the product's own variables."""
    return {k: v for k, v in os.environ.items() if not k.startswith("SHADOWPOINTS_")}


def run(
    command: Sequence[str], env: Mapping[str, str], timeout_s: float = 120, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code."""
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
    return subprocess.run(command, env=env, cwd=cwd, timeout=timeout_s, **options)


def output_of(*options: Any) -> str:
    """Run a program which must succeed; what it printed."""
    done = run(*options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(command: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that writes to this log."""
    with log.open("ab") as out:
        return subprocess.Popen(command, env=env, stdout=out, stderr=out)


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the background; it must end in order at SIGTERM."""
    process = start(command, env, log)
    try:
        yield process
        process.terminate()
        assert process.wait(60) == 0, log.read_text("utf-8")
    finally:
        process.kill()
        process.wait()
