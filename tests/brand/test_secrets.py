# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stream.brand.secrets import Secrets, contents
from stream.yaml_config.problems import Finding


@dataclass
class Entry:
    key_env: str
    previous_key_env: str | None = None


def test_a_secret_is_in_a_variable_or_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("in the file\n")
    environ = {"A": "in the variable", "B_FILE": str(tmp_path / "key")}
    findings: list[Finding] = []
    secrets = Secrets(environ, findings)

    assert secrets.read("A", ("a",), str) == "in the variable"
    assert secrets.read("B", ("b",), str) == "in the file"
    assert secrets.read(None, ("c",), str) is None
    assert findings == []


def test_the_current_and_the_previous() -> None:
    secrets = Secrets({"NEW": "new", "OLD": "old"}, [])

    assert secrets.both(Entry("NEW", "OLD"), "key", (), str) == ("new", "old")
    assert secrets.both(Entry("NEW"), "key", (), str) == ("new",)


def test_what_cannot_be_found_is_noted_at_its_place() -> None:
    findings: list[Finding] = []
    Secrets({}, findings).both(Entry("NEW", "OLD"), "key", ("x", 0), str)

    assert [finding.loc for finding in findings] == [
        ("x", 0, "key_env"),
        ("x", 0, "previous_key_env"),
    ]


def test_a_file_has_a_size(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)

    assert contents(file, 10) == b"x" * 10
    with pytest.raises(ValueError, match="more than 9 bytes"):
        contents(file, 9)
    with pytest.raises(ValueError, match="cannot be read"):
        contents(tmp_path, 9)
