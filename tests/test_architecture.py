# SPDX-License-Identifier: Apache-2.0
"""Which rooms of the product may import which: never one that stands above, and no circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import stream

STREAM = Path(stream.__file__).parent
ROOT = STREAM.parent

#: From the top down; rooms of one floor do not know one another.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("stream.cli",),
    ("stream.commands", "stream.demo"),
    ("stream.desk",),
    ("stream.worker", "stream.gateway", "stream.resolver", "stream.privacy", "stream.webhooks"),
    ("stream.replay",),
    ("stream.report",),
    ("stream.lookup",),
    ("stream.kafka",),
    ("stream.config",),
    ("stream.brand", "stream.rules"),
    ("stream.wechat", "stream.yaml_config", "stream.addressing"),
    ("stream.process", "stream.engine"),
    ("stream.tables", "stream.language", "schemas"),
)
#: The rooms of the core, likewise.
ENGINE_FLOORS: tuple[tuple[str, ...], ...] = (
    ("stream.engine.decide",),
    ("stream.engine.erasure", "stream.engine.audit", "stream.engine.intake"),
    ("stream.engine.identity",),
    ("stream.engine.points", "stream.engine.storage"),
    ("stream.engine.model",),
)


def imports_of(path: Path) -> set[str]:
    """The modules of ours which a file imports, for types only, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in {"stream", "schemas"}}


def sources() -> dict[str, Path]:
    """All files of the product, by module."""
    paths = [*STREAM.rglob("*.py"), *(ROOT / "schemas").rglob("*.py")]
    parts = {path: path.relative_to(ROOT).with_suffix("").parts for path in paths}
    return {".".join(parts[path]).removesuffix(".__init__"): path for path in paths}


def room_of(module: str, floors: tuple[tuple[str, ...], ...]) -> str | None:
    rooms = (room for floor in floors for room in floor)
    return next((r for r in rooms if module == r or module.startswith(r + ".")), None)


def arrows(floors: tuple[tuple[str, ...], ...]) -> set[tuple[str, str, str]]:
    """Who imports what: a module, its room, the other room."""
    found = set()
    for module, path in sources().items():
        here = room_of(module, floors)
        for imported in imports_of(path):
            there = room_of(imported, floors)
            if here and there and here != there:
                found.add((module, here, there))
    return found


@pytest.mark.parametrize("floors", [FLOORS, ENGINE_FLOORS], ids=["stream", "engine"])
def test_no_room_imports_one_above_or_beside_it(floors: tuple[tuple[str, ...], ...]) -> None:
    height = {room: -number for number, floor in enumerate(floors) for room in floor}
    assert [
        f"{module} imports {there}"
        for module, here, there in sorted(arrows(floors))
        if height[there] >= height[here]
    ] == []


def test_no_files_import_one_another_in_a_circle() -> None:
    files = sources()
    packages = {module for module, path in files.items() if path.name == "__init__.py"}
    graph = {m: (imports_of(p) & files.keys()) - packages - {m} for m, p in files.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names them


def test_every_module_stands_in_a_room() -> None:
    modules = {f"stream.{path.stem if path.is_file() else path.name}" for path in STREAM.iterdir()}
    rooms = {room for floor in FLOORS for room in floor} | {"stream.__init__", "stream.py"}
    assert {m for m in modules if "__pycache__" not in m} <= rooms
