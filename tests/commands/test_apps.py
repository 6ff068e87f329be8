# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.test_cli import run


def test_apps_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "apps.yaml"
    path.write_text("apps: [{appid: wx1, name: App, kind: mini_programm}]\n", "utf-8")

    broken = run("apps", "check", str(path))

    assert broken.exit_code == 1
    assert broken.stderr.startswith(f"{path}:1:38: apps[0].kind: must be one of")
    path.write_text("apps: [{appid: wx1, name: App, kind: mini_program}]\n", "utf-8")
    assert run("apps", "check", str(path)).stdout == f"{path}: no problems; 1 apps, 0 merchants\n"
