# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.file_schemas``: write the JSON Schemas of rule and apps files again."""

from __future__ import annotations

from pathlib import Path

import stream
from stream.brand.apps_schema import AppsFile
from stream.rules.rules_schema import rule_file_schemas
from stream.yaml_config.file_schema import schemas_of

_STREAM = Path(stream.__file__).parent
ROOMS = {"rules": _STREAM / "rules", "apps": _STREAM / "brand"}


def wanted() -> dict[Path, str]:
    """The text of each file, by its path."""
    apps = schemas_of(AppsFile, "apps", "Apps and merchants of shadowpoints")
    found = {ROOMS["rules"] / name: text for name, text in rule_file_schemas().items()}
    return found | {ROOMS["apps"] / name: text for name, text in apps.items()}


if __name__ == "__main__":
    for path, text in wanted().items():
        path.write_text(text, "utf-8")
