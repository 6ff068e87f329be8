# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.snapshots``: write the snapshot of sentences again."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.snapshots import ACCEPT, FILE


def main() -> int:
    tests = FILE.parents[1].rglob("test_*.py")
    users = sorted(str(path) for path in tests if "tests.snapshots import" in path.read_text())
    FILE.write_text("{}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *users]
    return subprocess.call(command, env=os.environ | {ACCEPT: "1"})


if __name__ == "__main__":
    sys.exit(main())
