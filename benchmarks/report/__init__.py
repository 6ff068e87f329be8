"""The numbers, one JSON file for each command, and what is drawn from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.machines import description

FOLDER: Final = Path(__file__).parent


def write(name: str, arguments: list[str], results: list[dict[str, Any]]) -> None:
    """Keep results with the command that made them and the machine it ran on."""
    command = " ".join(["python -m", f"benchmarks.{name}", *arguments])
    document = {"command": command, "machine": description(), "results": _rounded(results)}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def read(name: str) -> dict[str, Any] | None:
    """What ``write`` kept, ``None`` before."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
