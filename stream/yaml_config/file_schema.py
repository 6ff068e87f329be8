# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of configuration files, for editors: two drafts of one schema.

They say what one value may be; what has to fit together is for the commands that check files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

#: What yaml-language-server and most editors read, and the current draft, which pydantic writes.
DRAFTS: Final = ("07", "2020-12")
_DIALECTS: Final = {
    "07": "http://json-schema.org/draft-07/schema#",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}


def shipped_schema(package: str, name: str, draft: str) -> str:
    """The text of a schema in a package."""
    return files(package).joinpath(file_name(name, draft)).read_text(encoding="utf-8")


def file_name(name: str, draft: str) -> str:
    """``rules.schema.json`` for draft 07, which samples name; the other says its draft."""
    return f"{name}.schema.json" if draft == DRAFTS[0] else f"{name}.schema.{draft}.json"


def schemas_of(
    model: type[BaseModel], name: str, title: str, refine: Mapping[str, Schema] | None = None
) -> dict[str, str]:
    """The files of a model's schema, by name; ``refine`` adds definitions, and to some."""
    body = _plain(model.model_json_schema())
    for definition, more in (refine or {}).items():
        body["$defs"].setdefault(definition, {}).update(more)
    found = {}
    for draft in DRAFTS:
        schema = {"$schema": _DIALECTS[draft], "title": title, **body}
        text = json.dumps(_in_draft_07(schema) if draft == "07" else schema, indent=2)
        found[file_name(name, draft)] = text + "\n"
    return found


def _plain(node: Any) -> Any:
    """Without titles, which repeat the names; ``null`` cannot be written, and is not said."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for name, value in node.items():
        if name == "properties":
            found[name] = {key: _plain(item) for key, item in value.items()}
        elif name == "title" or (name == "default" and not isinstance(value, str | bool)):
            continue
        elif name == "anyOf":
            some = [_plain(item) for item in value if item != {"type": "null"}]
            found |= some[0] if len(some) == 1 else {name: some}
        else:
            found[name] = _plain(value)
    return found


def _in_draft_07(node: Any) -> Any:
    """The same in draft 07: definitions have another name, and a ``$ref`` stands alone."""
    if isinstance(node, list):
        return [_in_draft_07(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {
        "definitions" if name == "$defs" else name: _in_draft_07(value)
        for name, value in node.items()
    }
    if (ref := node.get("$ref")) is not None:
        found["$ref"] = str(ref).replace("#/$defs/", "#/definitions/")
        if len(found) > 1:
            found = {"allOf": [{"$ref": found.pop("$ref")}], **found}
    return found
