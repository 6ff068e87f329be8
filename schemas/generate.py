# SPDX-License-Identifier: Apache-2.0
"""Writes or checks the JSON Schema files and examples: ``python -m schemas.generate [--check]``.

``schemas/json/<type>.json`` describes the ``data`` of a type and is generated from the model.
``schemas/examples/<type>.json`` is one event in structured form, written by hand; it is checked
and formatted here. An incompatible change is rejected: it needs a new major version of the type.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from schemas.codec import Refused, decode
from schemas.compat import breaking_changes
from schemas.envelope import envelope_json_schema
from schemas.registry import CONTRACTS, Contract

FOLDER = Path(__file__).parent
COMMAND = "python -m schemas.generate"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = "envelope"


def json_schema(contract: Contract) -> dict[str, Any]:
    """JSON Schema of the ``data`` of one event type.

    It is for producers of what we read, and consumers of what we emit. Producers may send only
    its fields; consumers ignore unknown fields, so there it allows them.
    """
    body = _without_titles(contract.adapter.json_schema())
    return _document(contract.type, opened(body) if contract.direction == "out" else body)


def opened(node: Any) -> Any:
    """The schema, with further fields allowed in every object."""
    if isinstance(node, dict):
        return {k: opened(v) for k, v in node.items() if (k, v) != ("additionalProperties", False)}
    return [opened(item) for item in node] if isinstance(node, list) else node


def _document(name: str, body: dict[str, Any]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": f"urn:shadowpoints:schema:{name}", "title": name}
    return head | body


def _without_titles(node: Any) -> Any:
    """Drop Pydantic's titles, which repeat the field names."""
    if isinstance(node, dict):
        return {
            key: _without_titles(value)
            for key, value in node.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in node] if isinstance(node, list) else node


def documents() -> dict[str, dict[str, Any]]:
    """Every document by its name: the event type, or ``envelope``."""
    found = {ENVELOPE: _document(ENVELOPE, envelope_json_schema())}
    return found | {name: json_schema(contract) for name, contract in CONTRACTS.items()}


def render(document: Any) -> str:
    """The file format of all documents."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def incompatibilities(folder: Path = FOLDER) -> list[str]:
    """Changes against the stored files that need a new major version."""
    found, current = [], documents()
    for path in sorted((folder / "json").glob("*.json")):
        name = path.stem
        if name not in current:
            found.append(f"{name}: the type is gone")
            continue
        direction = CONTRACTS[name].direction if name in CONTRACTS else "in"
        stored = json.loads(path.read_text())
        found += [f"{name}: {p}" for p in breaking_changes(stored, current[name], direction)]
    return found


def drift(folder: Path = FOLDER) -> list[str]:
    """Files that differ from the code, by their path in the folder."""
    wanted = {f"json/{name}.json": render(schema) for name, schema in documents().items()}
    for name in CONTRACTS:
        path = folder / "examples" / f"{name}.json"
        text = path.read_text() if path.exists() else ""
        wanted[f"examples/{name}.json"] = render(json.loads(text)) if text else "missing"
    present = {
        f"{part}/{path.name}": path.read_text()
        for part in ("json", "examples")
        for path in (folder / part).glob("*.json")
    }
    return sorted(p for p in wanted.keys() | present.keys() if wanted.get(p) != present.get(p))


def invalid_examples(folder: Path = FOLDER) -> list[str]:
    """Examples that are missing or that `schemas.decode` rejects."""
    found = []
    for name, contract in CONTRACTS.items():
        path = folder / "examples" / f"{name}.json"
        if not path.exists():
            found.append(f"examples/{name}.json: missing; write one")
            continue
        try:
            event = decode(path.read_bytes(), [], contract.topics[0])
        except Refused as refused:
            found.append(f"examples/{name}.json: {refused}")
            continue
        if event.type != name:
            found.append(f"examples/{name}.json: is an event of another type")
    return found


def write(folder: Path = FOLDER) -> None:
    """Write all files; delete those of no type."""
    for part in ("json", "examples"):
        (folder / part).mkdir(exist_ok=True)
    for path in [*(folder / "json").glob("*.json"), *(folder / "examples").glob("*.json")]:
        if path.stem not in CONTRACTS and path.stem != ENVELOPE:
            path.unlink()
    for name, schema in documents().items():
        (folder / "json" / f"{name}.json").write_text(render(schema))
    for path in (folder / "examples").glob("*.json"):
        path.write_text(render(json.loads(path.read_text())))


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Exit code 0 if the files are up to date (``--check``) or were updated."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, report differences")
    parser.add_argument(
        "--allow-breaking", action="store_true", help="accept an incompatible change"
    )
    options = parser.parse_args(arguments)
    problems = invalid_examples(folder)
    if not options.allow_breaking:
        problems += [
            f"{problem} (add a new major version instead)" for problem in incompatibilities(folder)
        ]
    if options.check:
        problems += [f"{path}: differs; accept it with: {COMMAND}" for path in drift(folder)]
    print("\n".join(problems) or "The contracts and their files agree.", file=sys.stderr)
    if problems:
        return 1
    if not options.check:
        write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
