# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_cli import run

WARNED = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    earn: [{id: a, touchpoint: login, points: 5, when: {appid: wx2}}]
"""


@pytest.fixture
def warned(tmp_path: Path) -> Path:
    """A rule file for an app that only some apps file has."""
    (tmp_path / "rules.yaml").write_text(WARNED, "utf-8")
    for appid in ("wx1", "wx2"):
        app = f"apps: [{{appid: {appid}, name: App, kind: mini_program}}]\n"
        (tmp_path / f"{appid}.yaml").write_text(app, "utf-8")
    return tmp_path / "rules.yaml"


def test_rules_are_checked_against_the_apps(warned: Path) -> None:
    other, its_own = (str(warned.with_name(name)) for name in ("wx1.yaml", "wx2.yaml"))
    warning = f"WARNING: {warned}:5:64: versions[0].earn[0].when.appid: the apps file has no app"

    for told in (
        run("rules", "check", str(warned), "--apps", other),
        run("rules", "check", str(warned), APPS=other),
    ):
        assert told.exit_code == 0
        assert told.stderr.startswith(warning)
    for silent in (
        run("rules", "check", str(warned), "--apps", its_own, APPS=other),
        run("rules", "check", str(warned)),
    ):
        assert (silent.exit_code, silent.stderr) == (0, "")


def test_a_warning_is_a_problem_if_checks_are_strict(warned: Path) -> None:
    apps = str(warned.with_name("wx1.yaml"))
    result = run("rules", "check", str(warned), "--apps", apps, "--strict")
    assert result.exit_code == 1
    assert result.stderr.endswith(f"{warned}: 1 warnings, which --strict takes for problems\n")
    assert run("rules", "check", "--strict").exit_code == 0


def test_the_language_is_chosen_by_option_or_environment(
    warned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = ["--apps", str(warned.with_name("wx1.yaml"))]

    chinese = run("rules", "check", str(warned), *apps, "--lang", "zh")
    assert chinese.stdout == f"{warned}：没有问题；版本 1\n"
    assert chinese.stderr.startswith("警告：")
    assert "应用文件里没有「wx2」" in chinese.stderr
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run("rules", "check", str(warned), *apps).output == chinese.output
    assert run("rules", "check", "--lang", "en").stdout.startswith("the shipped rules: no problems")
    assert run("apps", "check").stdout.startswith("自带的示例应用：没有问题；")
    shipped = run("rules", "check").stdout.splitlines()
    assert shipped[1] == (
        "  版本 1，活动 breakfast_weeks（× 2）：2026-03-02T00:00+08:00 至 2026-03-16T00:00+08:00"
    )
    monkeypatch.delenv("LC_ALL")
    assert run("rules", "check").stdout.startswith("the shipped rules: no problems")


@pytest.mark.parametrize(("option", "title"), [((), "Earning rules"), (("--apps",), "Apps and")])
def test_the_schema_of_a_file_is_printed_for_editors(option: tuple[str, ...], title: str) -> None:
    for draft in ("07", "2020-12"):
        printed = json.loads(run("rules", "schema", *option, "--draft", draft).stdout)
        assert printed["title"].startswith(title)
        assert draft in printed["$schema"]
