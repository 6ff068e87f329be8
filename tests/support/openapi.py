# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.openapi``: write docs/openapi.json again."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Final

import orjson

from stream.gateway.openapi import document

COMMAND: Final = "python -m tests.support.openapi"
PATH: Final = Path(__file__).parents[2] / "docs" / "openapi.json"


def wanted() -> str:
    """The text of the file."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(document(version("shadowpoints")), option=options).decode()


if __name__ == "__main__":
    PATH.write_text(wanted(), "utf-8")
