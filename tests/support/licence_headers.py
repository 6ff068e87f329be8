# SPDX-License-Identifier: Apache-2.0
"""Put the licence's line at the top of each source file that lacks it: this module, run."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("benchmarks", "examples", "findings", "schemas", "stream", "tests")
COMMENTS = {".go": "//", ".java": "//", ".js": "//", ".lua": "--", ".py": "#", ".sh": "#"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def files_without() -> list[Path]:
    """Source files of the project with something in them, but without the line."""
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("*")))
    ours = (file for file in files if file.suffix in COMMENTS and "node_modules" not in file.parts)
    return [file for file in ours if file.read_bytes() and not _has_line(file)]


def _has_line(file: Path) -> bool:
    line = f"{COMMENTS[file.suffix]} {LICENCE}"
    return line in file.read_text(encoding="utf-8").splitlines()[:2]


def add_line(file: Path) -> None:
    """Write the file anew with the line first, or second after ``#!``."""
    text = file.read_text(encoding="utf-8")
    first, end, rest = text.partition("\n") if text.startswith("#!") else ("", "", text)
    file.write_text(f"{first}{end}{COMMENTS[file.suffix]} {LICENCE}\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    for missing in files_without():
        add_line(missing)
