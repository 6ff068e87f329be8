# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas import CONTRACTS
from schemas.generate import (
    COMMAND,
    FOLDER,
    documents,
    drift,
    incompatibilities,
    invalid_examples,
    main,
)
from tests.schemas.samples import TYPES, example

CURRENT = documents()


def test_the_committed_files_are_what_the_models_say() -> None:
    changed = drift()
    assert not changed, f"{changed} differ. If that is intended, accept it with: {COMMAND}"


def test_no_contract_changed_incompatibly() -> None:
    broken = incompatibilities()
    assert not broken, f"{broken}. Add a new major version of the type beside the old one."


def test_every_example_is_valid() -> None:
    assert invalid_examples() == []


@pytest.mark.parametrize("name", [*TYPES, "envelope"])
def test_the_schemas_are_schemas(name: str) -> None:
    schema = CURRENT[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:shadowpoints:schema:{name}"


@pytest.mark.parametrize("event_type", TYPES)
def test_the_examples_fit_the_schema_files(event_type: str) -> None:
    document = example(event_type)
    stored = json.loads((FOLDER / "json" / f"{event_type}.json").read_text())
    Draft202012Validator(stored).validate(document.get("data", {}))
    Draft202012Validator(CURRENT["envelope"]).validate(document)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("json", "examples"):
        shutil.copytree(FOLDER / part, tmp_path / part)
    return tmp_path


def test_check_passes_and_writes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
    assert main(["--check"], folder) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")} == before


def test_drift_is_reported_with_the_command_that_repairs_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema_path = folder / "json" / "menu.clicked.v1.json"
    stored = json.loads(schema_path.read_text())
    stored["properties"]["event_key"]["maxLength"] = 100  # the model now allows more
    schema_path.write_text(json.dumps(stored))
    (folder / "json" / "order.placed.v1.json").unlink()
    example_path = folder / "examples" / "cart.added.v1.json"
    example_path.write_text(json.dumps(json.loads(example_path.read_text())))

    assert main(["--check"], folder) == 1
    reported = capsys.readouterr().err
    for name in ("json/menu.clicked", "json/order.placed", "examples/cart.added"):
        assert f"{name}.v1.json: differs; accept it with: {COMMAND}" in reported

    assert main([], folder) == 0
    assert drift(folder) == []


def test_an_incompatible_change_is_not_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "json" / "menu.clicked.v1.json"
    stored = json.loads(path.read_text())
    stored["properties"]["old_field"] = {"type": "string"}
    text = json.dumps(stored)
    path.write_text(text)
    assert main([], folder) == 1
    assert path.read_text() == text
    assert "menu.clicked.v1: refuses what was valid: $.old_field" in capsys.readouterr().err
    assert main(["--allow-breaking"], folder) == 0
    assert drift(folder) == []


def test_a_type_cannot_vanish_silently(folder: Path) -> None:
    stray = folder / "json" / "gone.v1.json"
    shutil.copy(folder / "json" / "menu.clicked.v1.json", stray)
    assert incompatibilities(folder) == ["gone.v1: the type is gone"]
    assert main([], folder) == 1
    assert stray.exists()
    assert main(["--allow-breaking"], folder) == 0
    assert not stray.exists()


def test_missing_invalid_and_mislabelled_examples_are_reported(folder: Path) -> None:
    examples = folder / "examples"
    (examples / "page.viewed.v1.json").unlink()
    shutil.copy(examples / "cart.added.v1.json", examples / "order.placed.v1.json")
    (examples / "menu.clicked.v1.json").write_text("{}")
    found = invalid_examples(folder)
    assert [problem.split(": ")[0] for problem in found] == [
        "examples/menu.clicked.v1.json",
        "examples/page.viewed.v1.json",
        "examples/order.placed.v1.json",
    ]
    assert main(["--check"], folder) == 1


@pytest.mark.slow
def test_the_command_runs_as_a_module() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "schemas.generate", "--check"],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_there_is_one_file_per_type() -> None:
    assert {p.stem for p in (FOLDER / "examples").glob("*")} == set(CONTRACTS)
    assert {p.stem for p in (FOLDER / "json").glob("*")} == {*CONTRACTS, "envelope"}
